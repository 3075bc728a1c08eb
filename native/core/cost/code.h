/**
 * @file code.h
 * @brief What the compiled kernels of an architecture issue for a piece of work, from their machine code.
 */
#ifndef TERNARY_CORE_COST_CODE_H_
#define TERNARY_CORE_COST_CODE_H_

#include <cstdint>
#include <vector>

#include "abi/cuda_rows.h"
#include "core/cost/figures.h"

namespace ternary {

/**
 * One compiled kernel, for a step of a tile: 512 weights, 16 rows of W by 32 columns of K, which are 16 weights a lane.
 */
struct CostCode {
  const CudaRow* row = nullptr;
  CudaVariant shape = {};  ///< `ctas` and `ahead` as this architecture has them
  double slots = 0;        ///< instructions of all kinds; 0: the budget has no figures of this kernel
  double alu = 0, multiply = 0, idp = 0, imma = 0, hmma = 0;  ///< of top2 no product: tcgen05.mma is another warp's
  double shared = 0;                                          ///< 128-byte passes of shared memory
  int registers = 0;
  int64_t static_shared = 0;  ///< with what the driver takes
  int64_t ring_bytes = 0;     ///< GEMM: dynamic shared memory
  double residual = 1;        ///< measured / predicted, where a file says so
};

/** A row of kernels.inc as the model sees it. */
struct CostKernel {
  const CudaRow* row;
  CostCode codes[kMostCudaVariants];  ///< of row->variants

  /** What serves so many rows of X; null where the row has no such kernel, or the budget no figures of it. */
  const CostCode* code_for(int64_t M, int planes, CudaUnits units) const;
};

/**
 * Every kernel of layers' products of an architecture ("sm90a"), in the order of kernels.inc. Code of an `a` serves devices
 * of just that compute capability: so a row without a line of "sm100f" has that of "sm100a".
 */
std::vector<CostKernel> cost_kernels(const char* arch, const FigureLines& figures);

/** Those of experts' products. */
std::vector<CostKernel> expert_cost_kernels(const char* arch, const FigureLines& figures);

}  // namespace ternary

#endif  // TERNARY_CORE_COST_CODE_H_
