#include "core/weights/weights.h"

#include <cinttypes>
#include <memory>

#include "core/base/argument.h"
#include "core/base/failure.h"
#include "core/weights/layout.h"

namespace ternary {
namespace {

int64_t alpha_values(ternary_alpha_kind kind, int64_t N, int64_t K, int64_t group) {
  switch (kind) {
    case TERNARY_ALPHA_TENSOR: return 1;
    case TERNARY_ALPHA_ROW: return N;
    case TERNARY_ALPHA_COLUMN: return K;
    case TERNARY_ALPHA_GROUP: return N * ceil_div(K, group);
  }
  return 0;
}

void check_alpha(int64_t N, int64_t K, ternary_alpha_kind kind, const float* alpha, int64_t alpha_count,
                 int64_t group) {
  check_pointer("alpha", alpha, alignof(float));
  check_alpha_kind(kind, group);
  const int64_t expected = alpha_values(kind, N, K, group);
  if (alpha_count != expected) {
    fail(TERNARY_INVALID_ARGUMENT, "alpha_count is %" PRId64 "; this kind of alpha has %" PRId64 " values", alpha_count,
         expected);
  }
  check_finite("alpha", alpha, alpha_count);
}

void keep_group_alpha(ternary_weights& weights, const float* alpha) {
  const int64_t groups = ceil_div(weights.K, weights.group);
  weights.alpha.assign(round_up(weights.N, kTile) * groups, 0.0f);
  for (int64_t n = 0; n < weights.N; ++n) {
    for (int64_t g = 0; g < groups; ++g) weights.alpha[group_alpha(n, g, groups)] = alpha[n * groups + g];
  }
}

void keep_alpha(ternary_weights& weights, ternary_alpha_kind kind, const float* alpha, int64_t count) {
  switch (kind) {
    case TERNARY_ALPHA_TENSOR: weights.alpha.assign(weights.N, alpha[0]); break;
    case TERNARY_ALPHA_ROW: weights.alpha.assign(alpha, alpha + count); break;
    case TERNARY_ALPHA_GROUP: keep_group_alpha(weights, alpha); break;
    case TERNARY_ALPHA_COLUMN:
      weights.alpha.assign(weights.N, 1.0f);
      weights.alpha_column.assign(alpha, alpha + count);
      break;
  }
}

}  // namespace

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

}  // namespace ternary

using namespace ternary;

ternary_weights::ternary_weights(int64_t n, int64_t k, ternary_layout l, int64_t g)
    : N(n), K(k), layout(l), group(g), codes_bytes(layout_bytes(l, n, k)), codes(large_memory(codes_bytes)) {}

ternary_status ternary_weights_create(const uint8_t* codes, ternary_layout source_layout, int64_t N, int64_t K,
                                      ternary_layout layout, ternary_alpha_kind kind, const float* alpha,
                                      int64_t alpha_count, int64_t group, ternary_weights** weights) {
  return guarded([&] {
    check_pointer("weights", weights, alignof(ternary_weights*));
    check_pointer("codes", codes, 1);
    check_layout(source_layout);
    check_layout(layout);
    check_shape(N, K);
    check_alpha(N, K, kind, alpha, alpha_count, group);
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
    check_pointer("i2s", i2s, 1);
    unpack_rows(weights->codes.get(), weights->layout, 0, weights->N, weights->K, i2s);
  });
}
