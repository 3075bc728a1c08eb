/**
 * @file spread.h
 * @brief Which of many rows or columns are compared where not all are.
 */
#ifndef TERNARY_CORE_JUDGE_SPREAD_H_
#define TERNARY_CORE_JUDGE_SPREAD_H_

#include <cstdint>
#include <vector>

namespace ternary {

/** Rows and columns of Y that TERNARY_VALIDATE compares at most. */
inline constexpr int64_t kValidatedRows = 4, kValidatedColumns = 256;

/**
 * At most `most` of 0 ... count - 1, ascending, the same at every call: the first, the last, and one from each of as many
 * equal parts. Its place in its part differs from part to part, so that no column of a kernel's tiles is left out for good.
 */
inline std::vector<int64_t> spread(int64_t count, int64_t most) {
  std::vector<int64_t> chosen;
  const int64_t parts = count < most ? count : most;
  for (int64_t i = 0; i < parts; ++i) {
    const int64_t begin = i * count / parts, size = (i + 1) * count / parts - begin;
    chosen.push_back(i + 1 == parts ? count - 1 : begin + i * 7 % size);
  }
  return chosen;
}

}  // namespace ternary

#endif  // TERNARY_CORE_JUDGE_SPREAD_H_
