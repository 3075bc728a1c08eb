/**
 * @file moe_problem.h
 * @brief Generated layers of experts: values and routing from a seed, inputs at a guard, outputs in poison.
 */
#ifndef TERNARY_TESTS_EXPERTS_MOE_PROBLEM_H_
#define TERNARY_TESTS_EXPERTS_MOE_PROBLEM_H_

#include <functional>
#include <string>
#include <vector>

#include "support/guarded_buffer.h"
#include "support/handles.h"
#include "support/random.h"

namespace ternary::test {

/** How rows choose experts. */
enum class Routing {
  random,     ///< with -1 and experts that a row chooses twice
  one,        ///< every slot the same expert
  each_apart  ///< as many experts as there are slots, if there are
};

/** What a layer of experts and a call of it are like. `spec` has all but handles and pointers. */
struct MoeProblemSpec {
  ternary_moe_spec spec = {};
  ternary_layout layout = TERNARY_LAYOUT_I2S_TILED;
  int64_t M = 1, T = 1, E = 1, H = 1, I = 1;
  ternary_alpha_kind kind13 = TERNARY_ALPHA_TENSOR, kind2 = TERNARY_ALPHA_TENSOR;
  int64_t group13 = 0, group2 = 0;
  bool own_columns = false;  ///< gate and up have alphas a column of their own
  bool signs13 = false, signs2 = false;
  ternary_dtype x_dtype = TERNARY_F32, y_dtype = TERNARY_F32, weights_dtype = TERNARY_F32;
  bool x_scale = false;
  bool residual = false, in_place = false;
  ternary_dtype residual_dtype = TERNARY_F32;
  Routing routing = Routing::random;
  bool odd_values = false;  ///< a row of X has a NaN, another an infinity
  bool exact_values =
      false;  ///< values with which every sum of a small layer is exact, whatever its order: -1, 0, 1, 1/2
  uint64_t seed = 1;

  std::string text() const;
};

/** Everything that the interface accepts, at random. */
MoeProblemSpec random_moe_spec(uint64_t seed);

/** A layer whose bits do not depend on the order of sums: with exact values, and functions and rotations that keep them. */
MoeProblemSpec exact_moe_spec(uint64_t seed, ternary_activation activation);

/** A layer of some size, without anything special. */
MoeProblemSpec plain_moe_spec(int64_t M, int64_t T, int64_t E, int64_t H, int64_t I);

/** What a call wrote. */
struct MoeOutput {
  OutputMatrix y, residual_out;
};

class MoeProblem {
 public:
  explicit MoeProblem(const MoeProblemSpec& spec);

  const MoeProblemSpec& spec() const { return spec_; }
  const ternary_moe* moe() const { return moe_.get(); }
  int64_t y_columns() const { return spec_.spec.skip_combine ? spec_.T * spec_.H : spec_.H; }

  MoeOutput output() const;
  /** Operands of rows m ... m + rows - 1, which write to row 0 on of `to`. */
  ternary_moe_operands operands(const MoeOutput& to, int64_t m, int64_t rows) const;
  ternary_moe_operands operands(const MoeOutput& to) const { return operands(to, 0, spec_.M); }

  /** What the oracle makes of all rows. */
  MoeOutput expected() const;
  /** Empty if `got`, written by rows m ... m + rows - 1, holds the same bits. */
  std::string verdict(const MoeOutput& got, const MoeOutput& expected, int64_t m, int64_t rows) const;
  std::string verdict(const MoeOutput& got, const MoeOutput& expected) const {
    return verdict(got, expected, 0, spec_.M);
  }

  /** Ids [M, T], of which tests may make others. */
  std::vector<int32_t> ids;

 private:
  WeightsHandle make_weights(Random& random, int64_t N, int64_t K, ternary_alpha_kind kind, int64_t group,
                             bool own_columns) const;
  void choose_experts(Random& random);
  OutputMatrix values(Random& random, ternary_dtype dtype, int64_t rows, int64_t columns) const;

  MoeProblemSpec spec_;
  std::vector<float> signs13_, signs2_;
  MoeHandle moe_;
  OutputMatrix x_, weights_, residual_;
  std::vector<float> x_scale_;
};

/** A matrix of random values: mostly bell-shaped. */
OutputMatrix bell_matrix(Random& random, ternary_dtype dtype, int64_t rows, int64_t columns, int64_t ld);

}  // namespace ternary::test

#endif  // TERNARY_TESTS_EXPERTS_MOE_PROBLEM_H_
