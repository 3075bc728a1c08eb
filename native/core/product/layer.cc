#include "core/product/layer.h"

#include <cinttypes>

#include "abi/dtype.h"
#include "core/base/argument.h"
#include "core/base/failure.h"
#include "core/weights/layout.h"

namespace ternary {
namespace {

static_assert(sizeof(ternary_layer_spec) >= kFirstSpecBytes, "specs only grow");

std::vector<float> copy_of(const float* values, int64_t count) {
  return values == nullptr ? std::vector<float>() : std::vector<float>(values, values + count);
}

}  // namespace

void check_spec(const ternary_layer_spec& spec) {
  check_pointer("weights", spec.weights, alignof(ternary_weights));
  check_activation(spec.activation);
  const int64_t rows = spec.expected_rows;
  if (rows < 0 || rows > kMaxM) {
    fail(TERNARY_INVALID_ARGUMENT, "expected_rows is %" PRId64 "; it must be 0 to %" PRId64, rows, kMaxM);
  }
  if (spec.bias != nullptr) check_pointer("bias", spec.bias, alignof(float));
  const auto eps = static_cast<double>(spec.eps);
  if (spec.norm_weight == nullptr) {
    if (spec.eps != 0) fail(TERNARY_INVALID_ARGUMENT, "eps is %g and norm_weight is null; it must be 0 then", eps);
    return;
  }
  check_pointer("norm_weight", spec.norm_weight, alignof(float));
  if (!is_finite(spec.eps) || spec.eps <= 0) {
    fail(TERNARY_INVALID_ARGUMENT, "eps is %g; it must be finite and greater than 0", eps);
  }
}

}  // namespace ternary

using namespace ternary;

ternary_layer::ternary_layer(const ternary_layer_spec& spec)
    : weights(*spec.weights),
      activation(spec.activation),
      eps(spec.eps),
      expected_rows(spec.expected_rows),
      bias_(copy_of(spec.bias, spec.weights->N)),
      norm_weight_(copy_of(spec.norm_weight, spec.weights->K)) {
  retain(weights);  // nothing fails after it
}

ternary_layer::~ternary_layer() { release(&weights); }
