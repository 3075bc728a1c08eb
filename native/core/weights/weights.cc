#include "core/weights/weights.h"

#include <cinttypes>
#include <memory>

#include "core/base/argument.h"
#include "core/base/failure.h"
#include "core/weights/alpha.h"
#include "core/weights/layout.h"

namespace ternary {

void retain(const ternary_weights& weights) noexcept { weights.owners.fetch_add(1, std::memory_order_relaxed); }

void release(const ternary_weights* weights) noexcept {
  if (weights->owners.fetch_sub(1, std::memory_order_acq_rel) == 1) delete weights;
}

void check_alpha_kind(ternary_alpha_kind kind, int64_t group) {
  static constexpr const char* kWords[] = {"tensor", "row", "column", "group"};
  check_choice("alpha kind", kind, kWords);
  if (kind == TERNARY_ALPHA_GROUP ? group < 32 || group % 32 != 0 || group > round_up(kMaxK, 32) : group != 0) {
    fail(TERNARY_INVALID_ARGUMENT,
         "group is %" PRId64
         "; it must be a multiple of 32 up to 2^24 for alpha per group, "
         "and 0 otherwise",
         group);
  }
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

ternary_status ternary_weights_create(const uint8_t* codes, ternary_layout source_layout, int64_t N, int64_t K,
                                      ternary_layout layout, ternary_alpha_kind kind, const float* alpha,
                                      int64_t alpha_count, int64_t group, ternary_weights** weights) {
  return guarded([&] {
    check_pointer("weights", weights, alignof(ternary_weights*));
    check_pointer("codes", codes, 1);
    check_layout(source_layout);
    check_layout(layout);
    check_shape(N, K);
    check_alpha({1, N, K, kind, group}, alpha, alpha_count, false);
    codec(source_layout).check(codes, N, K);
    auto made = std::make_unique<ternary_weights>(N, K, layout, group);
    convert_codes(codes, source_layout, N, K, made->codes.get(), layout);
    keep_alpha(*made, kind, alpha, alpha_count);
    *weights = made.release();
  });
}

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
