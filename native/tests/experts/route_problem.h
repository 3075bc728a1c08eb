/**
 * @file route_problem.h
 * @brief Generated routers and slots to sort, with what must come out.
 */
#ifndef TERNARY_TESTS_EXPERTS_ROUTE_PROBLEM_H_
#define TERNARY_TESTS_EXPERTS_ROUTE_PROBLEM_H_

#include <string>
#include <vector>

#include "experts/moe_problem.h"
#include "support/problem.h"
#include "support/random.h"

namespace ternary::test {

/** A router's operands and what they point to. */
class RouteProblem {
 public:
  explicit RouteProblem(uint64_t seed);

  std::string text() const;

  struct Result {
    std::vector<int32_t> ids;
    OutputMatrix weights;
  };

  /** What `route(operands)` writes. */
  template <typename Route>
  Result run(Route route) const {
    Result result = poison();
    route(operands(result));
    return result;
  }

  /** By the oracle. */
  Result expected() const;

  /** Outputs that nobody has written. */
  Result poison() const;
  ternary_route_operands operands(Result& result) const;

 private:
  void set_groups();
  const float* vector(int64_t count, std::vector<float>& room);
  void set_logits();
  void set_router();

  Random random_;
  ternary_route_operands o_ = {};
  OutputMatrix logits_, x_, router_;
  std::vector<float> correction_, bias_;
};

/** Slots to sort. */
class AlignProblem {
 public:
  explicit AlignProblem(Random& random);

  struct Result {
    std::vector<int32_t> offsets, slots;
  };

  /** What `align(operands)` writes. */
  template <typename Align>
  Result run(Align align) const {
    Result result = poison();
    align(operands(result));
    return result;
  }

  /** By a sort of the library's. */
  Result expected() const;

  Result poison() const;
  ternary_align_operands operands(Result& result) const;

 private:
  int64_t M_, T_, E_, ld_;
  std::vector<int32_t> ids_;
};

/** Outputs of a generated layer's experts, and what the layer makes of them at its end. */
struct CombineProblem {
  explicit CombineProblem(uint64_t seed);

  ternary_combine_operands operands(const MoeOutput& to) const;

  const MoeProblem whole, apart;  ///< apart leaves the outputs of experts apart
  const MoeOutput d, expected;
};

}  // namespace ternary::test

#endif  // TERNARY_TESTS_EXPERTS_ROUTE_PROBLEM_H_
