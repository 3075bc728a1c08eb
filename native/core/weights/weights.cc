#include "core/weights/weights.h"

#include <cinttypes>

#include "core/base/argument.h"
#include "core/base/failure.h"
#include "core/weights/layout.h"

namespace ternary {

void retain(const ternary_weights& weights) noexcept { weights.owners.fetch_add(1, std::memory_order_relaxed); }

void release(const ternary_weights* weights) noexcept {
  if (weights->owners.fetch_sub(1, std::memory_order_acq_rel) == 1) delete weights;
}

void check_one_expert(const ternary_weights& weights) {
  if (weights.experts > 1) {
    fail(TERNARY_INVALID_ARGUMENT, "weights are of %" PRId64 " experts; a layer has 1, see ternary_moe_create()",
         weights.experts);
  }
  if (weights.column_alphas > 1) {
    fail(TERNARY_INVALID_ARGUMENT,
         "weights have alphas a column of their own for gate and up; a layer has 1, see ternary_moe_create()");
  }
}

}  // namespace ternary

using namespace ternary;

ternary_weights::ternary_weights(int64_t n, int64_t k, ternary_layout l, int64_t g, int64_t e)
    : experts(e),
      N(n),
      K(k),
      layout(l),
      group(g),
      expert_bytes(layout_bytes(l, n, k)),
      codes_bytes(e * expert_bytes),
      codes(large_memory(codes_bytes)) {}

void ternary_weights_destroy(ternary_weights* weights) {
  if (weights != nullptr) release(weights);
}

int64_t ternary_weights_bytes(const ternary_weights* weights) {
  if (weights == nullptr) return 0;
  return weights->codes_bytes +
         static_cast<int64_t>((weights->alpha.size() + weights->alpha_column.size()) * sizeof(float));
}

ternary_status ternary_weights_codes(const ternary_weights* weights, uint8_t* i2s) {
  return guarded([&] {
    check_pointer("weights", weights, alignof(ternary_weights));
    if (weights->experts > 1) {
      fail(TERNARY_INVALID_ARGUMENT, "weights are of %" PRId64 " experts; ternary_weights_expert_codes() writes one",
           weights->experts);
    }
    check_pointer("i2s", i2s, 1);
    unpack_rows(weights->codes.get(), weights->layout, 0, weights->N, weights->K, i2s);
  });
}
