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

/** Places of which each is looked at as often as any: as many as most kernels' tiles have columns. */
inline constexpr int64_t kSpreadPlaces = 32;

/**
 * At most `most` of 0 ... count - 1, ascending, the same at every call: the first, the last, and one from each of as many
 * equal parts. In its part it is at the place, modulo kSpreadPlaces, that was chosen least so far: so no column of a kernel's
 * tiles is left out for good.
 */
inline std::vector<int64_t> spread(int64_t count, int64_t most) {
  std::vector<int64_t> chosen;
  int64_t used[kSpreadPlaces] = {};
  const int64_t parts = count < most ? count : most;
  for (int64_t i = 0; i < parts; ++i) {
    const int64_t begin = i * count / parts, end = (i + 1) * count / parts;
    int64_t best = i + 1 == parts ? end - 1 : begin;
    for (int64_t n = begin; i > 0 && i + 1 < parts && n < end && n < begin + kSpreadPlaces; ++n) {
      if (used[n % kSpreadPlaces] < used[best % kSpreadPlaces]) best = n;
    }
    ++used[best % kSpreadPlaces];
    chosen.push_back(best);
  }
  return chosen;
}

}  // namespace ternary

#endif  // TERNARY_CORE_JUDGE_SPREAD_H_
