#include "core/product/layer.h"

#include <cinttypes>

#include "abi/dtype.h"
#include "core/base/argument.h"
#include "core/base/failure.h"
#include "core/product/rotation.h"
#include "core/weights/layout.h"

namespace ternary {
namespace {

static_assert(sizeof(ternary_layer_spec) >= kFirstSpecBytes, "specs only grow");

std::vector<float> copy_of(const float* values, int64_t count) {
  return values == nullptr ? std::vector<float>() : std::vector<float>(values, values + count);
}

void check_norm(const ternary_layer_spec& spec) {
  if (spec.norm_weight != nullptr) {
    check_pointer("norm_weight", spec.norm_weight, alignof(float));
    check_eps("eps", spec.eps);
  } else if (spec.eps != 0) {
    fail(TERNARY_INVALID_ARGUMENT, "eps is %g and norm_weight is null; it must be 0 then",
         static_cast<double>(spec.eps));
  }
}

}  // namespace

void check_block(int64_t block) {
  if (block < 0 || block % 32 != 0 || block > round_up(kMaxK, 32)) {
    fail(TERNARY_INVALID_ARGUMENT, "block is %" PRId64 "; it must be 0 or a multiple of 32 up to 2^24", block);
  }
}

/** A unit of the sums has one scale of X and one alpha, so one of block and group is cut at every border of the other. */
void check_block_of(int64_t block, ternary_activation activation, int64_t group, const char* whose) {
  check_block(block);
  if (block == 0) return;
  if (activation != TERNARY_A8) {
    fail(TERNARY_INVALID_ARGUMENT,
         "block is %" PRId64 " and activation is A16; it must be 0 then, as A16 has no scales", block);
  }
  if (group > 0 && block % group != 0 && group % block != 0) {
    fail(TERNARY_INVALID_ARGUMENT,
         "block is %" PRId64 " and %s is %" PRId64 "; one of them must be a multiple of the other", block, whose,
         group);
  }
}

void check_eps(const char* name, float eps) {
  if (!is_finite(eps) || eps <= 0) {
    fail(TERNARY_INVALID_ARGUMENT, "%s is %g; it must be finite and greater than 0", name, static_cast<double>(eps));
  }
}

void check_spec(const ternary_layer_spec& spec) {
  check_pointer("weights", spec.weights, alignof(ternary_weights));
  check_one_expert(*spec.weights);
  check_activation(spec.activation);
  const int64_t rows = spec.expected_rows;
  if (rows < 0 || rows > kMaxM) {
    fail(TERNARY_INVALID_ARGUMENT, "expected_rows is %" PRId64 "; it must be 0 to %" PRId64, rows, kMaxM);
  }
  if (spec.bias != nullptr) check_pointer("bias", spec.bias, alignof(float));
  check_norm(spec);
  check_block_of(spec.block, spec.activation, spec.weights->group, "the weights' group");
  check_optional_rotation(spec.rotation, spec.rotation_signs, spec.weights->K);
  check_signs("rotation_signs", spec.rotation_signs, spec.weights->K);
}

}  // namespace ternary

using namespace ternary;

ternary_layer::ternary_layer(const ternary_layer_spec& spec)
    : weights(*spec.weights),
      activation(spec.activation),
      eps(spec.eps),
      expected_rows(spec.expected_rows),
      block(spec.block),
      rotation(spec.rotation),
      bias_(copy_of(spec.bias, spec.weights->N)),
      norm_weight_(copy_of(spec.norm_weight, spec.weights->K)),
      signs_(copy_of(spec.rotation_signs, spec.weights->K)) {
  retain(weights);  // nothing fails after it
}

ternary_layer::~ternary_layer() { release(&weights); }
