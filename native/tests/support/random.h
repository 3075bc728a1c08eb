/**
 * @file random.h
 * @brief Reproducible random numbers: splitmix64, the same everywhere.
 */
#ifndef TERNARY_TESTS_SUPPORT_RANDOM_H_
#define TERNARY_TESTS_SUPPORT_RANDOM_H_

#include <cstdint>
#include <initializer_list>

namespace ternary::test {

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15u + 1) {}

  uint64_t bits() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }

  /** low ... high, both included. */
  int64_t integer(int64_t low, int64_t high) {
    return low + static_cast<int64_t>(bits() % static_cast<uint64_t>(high - low + 1));
  }

  bool chance(int one_in) { return integer(1, one_in) == 1; }

  /** Bell-shaped, within -4 ... 4. */
  float bell() {
    double sum = 0;
    for (int i = 0; i < 4; ++i) sum += static_cast<double>(bits() >> 11) * 0x1p-53;
    return static_cast<float>(2 * sum - 4);
  }

  float positive() { return static_cast<float>(static_cast<double>(bits() >> 40) * 0x1p-24 + 0x1p-10); }

  template <typename T>
  T pick(std::initializer_list<T> values) {
    return values.begin()[integer(0, static_cast<int64_t>(values.size()) - 1)];
  }

 private:
  uint64_t state_;
};

}  // namespace ternary::test

#endif  // TERNARY_TESTS_SUPPORT_RANDOM_H_
