/**
 * @file kernels.h
 * @brief Declarations of every kernel, from kernels.inc, and of every loop that measures a limit, from limits.inc.
 */
#ifndef TERNARY_CPU_KERNELS_H_
#define TERNARY_CPU_KERNELS_H_

#include "abi/kernel.h"

namespace ternary::cpu {

#define ROWS(name, stage, isa, function) RowsFunction<Stage::stage> function;
#define GEMM(name, stage, isa, layout, function, ...)                                                                 \
  void function(const GemmTask& task, int64_t m_begin, int64_t m_end, int64_t n_begin, int64_t n_end, void* scratch); \
  int64_t function##_scratch();                                                                                       \
  int64_t function##_table_bytes(int64_t K, int64_t unit);                                                            \
  void function##_tables(const GemmTask& task, int64_t m_begin, int64_t m_end);
#include "cpu/kernels.inc"

#define LIMIT(kind, isa, function, step) int64_t function(const uint8_t* data, int64_t count);
#include "cpu/limits.inc"
#undef LIMIT

}  // namespace ternary::cpu

#endif  // TERNARY_CPU_KERNELS_H_
