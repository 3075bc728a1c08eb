/**
 * @file alpha.h
 * @brief Scales as callers give them: their count by kind, and how weights keep them.
 */
#ifndef TERNARY_CORE_WEIGHTS_ALPHA_H_
#define TERNARY_CORE_WEIGHTS_ALPHA_H_

#include "core/weights/weights.h"

namespace ternary {

/** What alpha belongs to. */
struct AlphaShape {
  int64_t experts, N, K;
  ternary_alpha_kind kind;
  int64_t group;
};

/** Throws unless it is a kind of the enum with the group size that goes with it. */
void check_alpha_kind(ternary_alpha_kind kind, int64_t group);

/** Throws unless all are finite, and as many as the shape has; of columns also twice as many where `two_a_column`. */
void check_alpha(const AlphaShape& shape, const float* alpha, int64_t alpha_count, bool two_a_column);

/** Copies what check_alpha() has let pass. */
void keep_alpha(ternary_weights& weights, ternary_alpha_kind kind, const float* alpha, int64_t alpha_count);

}  // namespace ternary

#endif  // TERNARY_CORE_WEIGHTS_ALPHA_H_
