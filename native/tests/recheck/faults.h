/**
 * @file faults.h
 * @brief Kernels that are right but for what a test plants: libraries that stand in for the backends call the real ones.
 */
#ifndef TERNARY_TESTS_RECHECK_FAULTS_H_
#define TERNARY_TESTS_RECHECK_FAULTS_H_

#include <atomic>
#include <cstdint>

namespace ternary::test {

/** What a kernel does wrong. */
struct Fault {
  enum class Where : int32_t {
    nowhere,
    y,             ///< an element of Y
    residual_out,  ///< of the residual's sum, by a kernel that makes rows ready
    q              ///< of X as int8, by the same
  } where = Where::nowhere;
  int64_t m = 0, n = 0;   ///< the element; m < 0: of every row
  float added = 0;        ///< to it; a kernel of a GPU writes something else
  int64_t only_rows = 0;  ///< wrong where M is this alone; 0: whatever M
};

inline constexpr int kMostPlanted = 96;

/** The faults of a library's rows. Planted while nobody calls. */
inline Fault faults[kMostPlanted];

/** What a stand-in exports: plants a row's fault. */
using PlantFn = void (*)(int32_t row, const Fault* fault);

inline bool hits(const Fault& fault, Fault::Where where, int64_t rows) {
  return fault.where == where && (fault.only_rows == 0 || fault.only_rows == rows);
}

}  // namespace ternary::test

#endif  // TERNARY_TESTS_RECHECK_FAULTS_H_
