/**
 * @file problem.h
 * @brief Generated products: shape, types, strides and values from a seed, inputs at a guard, outputs in poison.
 */
#ifndef TERNARY_TESTS_SUPPORT_PROBLEM_H_
#define TERNARY_TESTS_SUPPORT_PROBLEM_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "support/guarded_buffer.h"
#include "support/handles.h"
#include "support/random.h"
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
  bool bias = false;
  bool x_scale = false;  ///< for fp8; int8 always has one
  bool norm = false;
  std::optional<ternary_dtype> residual;           ///< only with norm
  bool in_place = false;                           ///< residual_out is residual
  int64_t x_gap = 0, y_gap = 0, residual_gap = 0;  ///< elements between rows
  Values values = Values::mixed;
  uint64_t seed = 1;

  std::string text() const;
};

/** Alpha per row, a bias, finite values. */
ProblemSpec plain_spec(ternary_activation activation, int64_t M, int64_t N, int64_t K);

/** What a call wrote. */
struct Output {
  OutputMatrix y;
  OutputMatrix residual_out;  ///< empty without a residual
};

class Problem {
 public:
  explicit Problem(const ProblemSpec& spec);

  const ProblemSpec& spec() const { return spec_; }
  int64_t ldx() const { return spec_.K + spec_.x_gap; }
  int64_t ld_residual() const { return spec_.K + spec_.residual_gap; }
  int64_t groups() const { return (spec_.K + spec_.group - 1) / spec_.group; }
  int64_t alpha_count() const { return alpha.bytes() / static_cast<int64_t>(sizeof(float)); }

  /** The same weights, kept in a layout. Aborts if they cannot be created. */
  WeightsHandle weights(ternary_layout layout) const;

  /** What the problem does with these weights, which the layer keeps. Aborts if it cannot be created. */
  LayerHandle layer(const ternary_weights* weights) const;
  LayerHandle layer(ternary_layout layout) const { return layer(weights(layout).get()); }

  /** Poisoned outputs for `rows` rows; residual_out holds the residual if the problem runs in place. */
  Output output(int64_t first_row, int64_t rows) const;
  Output output() const { return output(0, spec_.M); }

  /** Rows first ... first + rows, and the outputs for them. */
  ternary_operands operands(Output& out, int64_t first_row, int64_t rows) const;

  /** Runs rows first ... first + rows through the runtime, or through the oracle if `runtime` is null. */
  ternary_status run(ternary_runtime* runtime, const ternary_layer* layer, Output& out, int64_t first_row,
                     int64_t rows) const;
  ternary_status run(ternary_runtime* runtime, const ternary_layer* layer, Output& out) const {
    return run(runtime, layer, out, 0, spec_.M);
  }

  /** What the oracle makes of it. */
  Output expected() const;

  /** Empty if `got` holds these rows of `expected` and nothing else was written, else what differs. Bits, NaN as a
   *  class; Y of A16 on a GPU, where tensor cores add in an order of their own, within a16_bound(). */
  std::string verdict(const Output& got, const Output& expected, int64_t first_row = 0) const;

  GuardedBuffer x, x_scale, w, i2s, alpha, bias, residual, norm_weight;
  float eps = 1e-5f;

 private:
  void fill_x(Random& random);
  void fill_weights(Random& random);
  /** Now and then a scale, a bias or a norm weight that arithmetic has to take its course with. */
  void add_special_values(Random& random);

  ProblemSpec spec_;
};

/** alpha of weight (n, k), as the kind has it. */
double alpha_of(const Problem& problem, int64_t n, int64_t k);

/** How far two fp32 sums of A16 in any order, each rounded to Y's type, may be apart at row m, column n; negative where
 *  sums may leave fp32's range or X holds a value that is not finite. */
double a16_bound(const Problem& problem, int64_t m, int64_t n, double expected);

/** Random specs over everything the API accepts; `budget` bounds M*N*K. */
ProblemSpec random_spec(uint64_t seed, int64_t budget);

/** One row of activations of the given kind (0 ... 9) into fp32. */
void fill_row(Random& random, int kind, int64_t K, float* row);

/** fp32 to the element `index` of a matrix of any type; fp8 takes the nearest value. */
void store_any(void* data, ternary_dtype dtype, int64_t index, float value);

}  // namespace ternary::test

#endif  // TERNARY_TESTS_SUPPORT_PROBLEM_H_
