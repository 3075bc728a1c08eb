#include "core/weights/alpha.h"

#include <algorithm>
#include <cinttypes>

#include "core/base/argument.h"
#include "core/base/failure.h"
#include "core/weights/layout.h"

namespace ternary {
namespace {

/** Of one expert. */
int64_t alpha_values(const AlphaShape& shape) {
  switch (shape.kind) {
    case TERNARY_ALPHA_TENSOR: return 1;
    case TERNARY_ALPHA_ROW: return shape.N;
    case TERNARY_ALPHA_COLUMN: return shape.K;
    case TERNARY_ALPHA_GROUP: return shape.N * ceil_div(shape.K, shape.group);
  }
  return 0;
}

/** `count` vectors of `length` one behind the other: each begins at a whole vector of a kernel's. Returns the stride. */
int64_t keep_vectors(LargeVector<float>& kept, const float* values, int64_t count, int64_t length) {
  const int64_t stride = round_up(length, kTile);
  kept.assign((count - 1) * stride + length, 0.0f);
  for (int64_t i = 0; i < count; ++i) std::copy_n(values + i * length, length, kept.begin() + i * stride);
  return stride;
}

void keep_tensor_alpha(ternary_weights& weights, const float* alpha) {
  weights.alpha_stride = round_up(weights.N, kTile);
  weights.alpha.assign((weights.experts - 1) * weights.alpha_stride + weights.N, 0.0f);
  for (int64_t e = 0; e < weights.experts; ++e) {
    std::fill_n(weights.alpha.begin() + e * weights.alpha_stride, weights.N, alpha[e]);
  }
}

void keep_group_alpha(ternary_weights& weights, const float* alpha) {
  const int64_t groups = ceil_div(weights.K, weights.group);
  weights.alpha_stride = round_up(weights.N, kTile) * groups;
  weights.alpha.assign(weights.experts * weights.alpha_stride, 0.0f);
  for (int64_t e = 0; e < weights.experts; ++e) {
    float* kept = weights.alpha.data() + e * weights.alpha_stride;
    for (int64_t n = 0; n < weights.N; ++n) {
      for (int64_t g = 0; g < groups; ++g) kept[group_alpha(n, g, groups)] = *alpha++;
    }
  }
}

}  // namespace

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

void check_alpha(const AlphaShape& shape, const float* alpha, int64_t alpha_count, bool two_a_column) {
  check_pointer("alpha", alpha, alignof(float));
  check_alpha_kind(shape.kind, shape.group);
  const int64_t expected = shape.experts * alpha_values(shape);
  const bool two = two_a_column && shape.kind == TERNARY_ALPHA_COLUMN;
  if (alpha_count != expected && (!two || alpha_count != 2 * expected)) {
    fail(TERNARY_INVALID_ARGUMENT, "alpha_count is %" PRId64 "; this kind of alpha has %" PRId64 " values%s",
         alpha_count, expected, two ? ", or twice as many for gate and up" : "");
  }
  check_finite("alpha", alpha, alpha_count);
}

void keep_alpha(ternary_weights& weights, ternary_alpha_kind kind, const float* alpha, int64_t alpha_count) {
  switch (kind) {
    case TERNARY_ALPHA_TENSOR: return keep_tensor_alpha(weights, alpha);
    case TERNARY_ALPHA_ROW:
      weights.alpha_stride = keep_vectors(weights.alpha, alpha, weights.experts, weights.N);
      return;
    case TERNARY_ALPHA_GROUP: return keep_group_alpha(weights, alpha);
    case TERNARY_ALPHA_COLUMN:
      weights.alpha.assign(weights.N, 1.0f);  // of all experts
      weights.column_alphas = static_cast<int>(alpha_count / (weights.experts * weights.K));
      weights.column_stride =
          keep_vectors(weights.alpha_column, alpha, weights.experts * weights.column_alphas, weights.K);
  }
}

}  // namespace ternary
