/**
 * @file problem_spec.h
 * @brief What a generated product is like: shape, types, strides and what kind of values.
 */
#ifndef TERNARY_TESTS_SUPPORT_PROBLEM_SPEC_H_
#define TERNARY_TESTS_SUPPORT_PROBLEM_SPEC_H_

#include <cstdint>
#include <optional>
#include <string>

#include "ternary/ternary.h"

namespace ternary::test {

/** What the activations and the weights hold. */
enum class Values {
  mixed,        ///< each row another way: bell, outlier, zeros, ties, denormals, NaN, huge, infinity, tiny, equal
  finite,       ///< as mixed, finite rows only
  all_max,      ///< the largest activation everywhere and all weights +1 (int8: 127): the largest sums
  all_min,      ///< the smallest (int8: -128) with all weights +1
  alternating,  ///< signs alternate in X and W together, so that every product is positive
  zero          ///< zeros of both signs
};

struct ProblemSpec {
  int64_t M = 1, N = 1, K = 1;
  ternary_activation activation = TERNARY_A8;
  ternary_dtype x_dtype = TERNARY_F32, y_dtype = TERNARY_F32;
  ternary_alpha_kind kind = TERNARY_ALPHA_TENSOR;
  int64_t group = 0;
  int64_t block = 0;     ///< columns of a scale of X; 0: a scale a row
  int64_t rotation = 0;  ///< columns that are rotated together; 0: none are
  bool signs = false;    ///< of the rotation
  bool bias = false;
  bool x_scale = false;  ///< for fp8; int8 always has one
  bool norm = false;
  std::optional<ternary_dtype> residual;           ///< only with norm
  bool in_place = false;                           ///< residual_out is residual
  int64_t x_gap = 0, y_gap = 0, residual_gap = 0;  ///< elements between rows
  int64_t expected_rows = 0;                       ///< that the layer is made for
  Values values = Values::mixed;
  uint64_t seed = 1;

  std::string text() const;
};

/** Alpha per row, a bias, finite values. */
ProblemSpec plain_spec(ternary_activation activation, int64_t M, int64_t N, int64_t K);

/** Random specs over everything the API accepts; `budget` bounds M*N*K. */
ProblemSpec random_spec(uint64_t seed, int64_t budget);

/** The same with activations by block, a rotation, or both. */
ProblemSpec random_block_spec(uint64_t seed, int64_t budget);

}  // namespace ternary::test

#endif  // TERNARY_TESTS_SUPPORT_PROBLEM_SPEC_H_
