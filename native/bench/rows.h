/**
 * @file rows.h
 * @brief Kernels that go row by row, for kernels_bench.
 */
#ifndef TERNARY_BENCH_ROWS_H_
#define TERNARY_BENCH_ROWS_H_

#include "abi/kernel.h"

namespace ternary {

/** Registers what there is to measure of the kernel; false, and nothing is registered, if it makes tiles of Y. */
bool register_rows(const Kernel& kernel);

}  // namespace ternary

#endif  // TERNARY_BENCH_ROWS_H_
