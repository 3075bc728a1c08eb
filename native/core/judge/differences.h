/**
 * @file differences.h
 * @brief How a result differs from its reference.
 */
#ifndef TERNARY_CORE_JUDGE_DIFFERENCES_H_
#define TERNARY_CORE_JUDGE_DIFFERENCES_H_

#include <cmath>
#include <cstdint>

#include "abi/dtype.h"

namespace ternary {

/** The same bits; NaN as a class. */
inline bool same_float(float a, float b) { return float_bits(a) == float_bits(b) || (std::isnan(a) && std::isnan(b)); }

/** A matrix of a call's results. */
struct ResultMatrix {
  const void* data;  ///< null: there is none
  ternary_dtype dtype;
  int64_t rows, columns, ld;

  float at(int64_t m, int64_t n) const { return load_float(data, dtype, m * ld + n); }
};

/** Of the elements that differ. What is not finite beside what is makes both infinite. */
struct Differences {
  int64_t elements = 0;    ///< that were compared
  int64_t different = 0;   ///< of them
  int64_t worst_row = -1;  ///< the first with max_abs
  double max_abs = 0;
  double max_rel = 0;  ///< against the larger of |reference| and the RMS of its row
};

/** Adds those of two matrices of one shape. `may_be(m, n, value, reference)` lets a difference of bits pass. */
template <typename MayBe>
void add_differences(const ResultMatrix& got, const ResultMatrix& reference, Differences& all, MayBe may_be) {
  if (got.data == nullptr) return;
  for (int64_t m = 0; m < got.rows; ++m) {
    double rms = -1;
    for (int64_t n = 0; n < got.columns; ++n) {
      const float value = got.at(m, n), wanted = reference.at(m, n);
      if (same_float(value, wanted) || may_be(m, n, value, wanted)) continue;
      if (rms < 0) {
        double squares = 0;
        for (int64_t i = 0; i < got.columns; ++i) squares += double{reference.at(m, i)} * reference.at(m, i);
        rms = std::sqrt(squares / static_cast<double>(got.columns));
      }
      double difference = std::fabs(double{value} - wanted);
      if (!std::isfinite(difference)) difference = HUGE_VAL;
      const double scale = std::fmax(std::fabs(double{wanted}), rms);
      const double relative = difference == 0 ? 0 : std::isfinite(scale) ? difference / scale : HUGE_VAL;
      if (all.worst_row < 0 || difference > all.max_abs) all.worst_row = m;
      all.max_abs = std::fmax(all.max_abs, difference);
      all.max_rel = std::fmax(all.max_rel, relative);
      ++all.different;
    }
  }
  all.elements += got.rows * got.columns;
}

}  // namespace ternary

#endif  // TERNARY_CORE_JUDGE_DIFFERENCES_H_
