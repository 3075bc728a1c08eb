/**
 * @file cuda_cost_tables.h
 * @brief The kernels that the cost model knows.
 */
#ifndef TERNARY_CORE_CUDA_COST_TABLES_H_
#define TERNARY_CORE_CUDA_COST_TABLES_H_

#include "core/cuda_cost.h"

namespace ternary {

inline constexpr int64_t kAnyRows = (int64_t{1} << 31) - 1;
inline constexpr int kCostKernelCount = 14;
extern const CostKernel kCostKernels[kCostKernelCount];

}  // namespace ternary

#endif  // TERNARY_CORE_CUDA_COST_TABLES_H_
