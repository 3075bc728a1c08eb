/**
 * @file partials.h
 * @brief 32 partial sums and the tree that adds them, as a recursion: the second writing for tests of the oracle.
 */
#ifndef TERNARY_TESTS_ORACLE_PARTIALS_H_
#define TERNARY_TESTS_ORACLE_PARTIALS_H_

#include <functional>

namespace ternary::test {

/** Of `count` terms that add(i, sum) adds to a partial sum. */
class SecondPartials {
 public:
  using Add = std::function<float(int i, float sum)>;
  SecondPartials(int count, Add add) : count_(count), add_(std::move(add)) {}

  float sum() const { return below(0, 1); }

 private:
  /** Of what the tree adds to place i before the step of `stride`: the nearest pair comes last. */
  float below(int i, int stride) const {
    if (stride < 32) return below(i, 2 * stride) + below(i + stride, 2 * stride);
    float part = 0;
    for (int k = i; k < count_; k += 32) part = add_(k, part);
    return part;
  }

  const int count_;
  const Add add_;
};

}  // namespace ternary::test

#endif  // TERNARY_TESTS_ORACLE_PARTIALS_H_
