/**
 * @file problem.h
 * @brief Generated products: values from a seed, inputs at a guard, outputs in poison.
 */
#ifndef TERNARY_TESTS_SUPPORT_PROBLEM_H_
#define TERNARY_TESTS_SUPPORT_PROBLEM_H_

#include <cstdint>
#include <functional>
#include <string>

#include "support/guarded_buffer.h"
#include "support/handles.h"
#include "support/problem_spec.h"
#include "support/random.h"
#include "ternary/ternary.h"

namespace ternary::test {

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
  /** Scales of a row of X. */
  int64_t scales() const { return spec_.block == 0 ? 1 : (spec_.K + spec_.block - 1) / spec_.block; }
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

  GuardedBuffer x, x_scale, w, i2s, alpha, bias, residual, norm_weight, signs;
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

/** One row of activations of the given kind (0 ... 9) into fp32. */
void fill_row(Random& random, int kind, int64_t K, float* row);

/** Blocks of such a row made zero, tiny, denormal or huge, each in its own way, and some left. */
void vary_blocks(Random& random, int64_t block, int64_t K, float* row);

/** fp32 to the element `index` of a matrix of any type; fp8 takes the nearest value. */
void store_any(void* data, ternary_dtype dtype, int64_t index, float value);

}  // namespace ternary::test

#endif  // TERNARY_TESTS_SUPPORT_PROBLEM_H_
