/**
 * @file cuda_cost_code.h
 * @brief What the compiled kernels of an architecture issue for a piece of work, from their machine code.
 */
#ifndef TERNARY_CORE_CUDA_COST_CODE_H_
#define TERNARY_CORE_CUDA_COST_CODE_H_

#include <cstdint>
#include <vector>

#include "core/cuda_kernel.h"

namespace ternary {

/** One compiled kernel, for a unit of work: 512 weights, 16 rows of W by 32 columns of K, which are 16 weights a lane. */
struct CostCode {
  double slots = 0;  ///< instructions of all kinds
  double alu = 0, multiply = 0, idp = 0, imma = 0, hmma = 0;
  double shared = 0;  ///< 128-byte passes of shared memory
  int rows = 0;    ///< rows of X that a unit is for: 1, 4, 8 or 16 of a GEMV, 8 of a GEMM; 0: there is no such kernel
  int tile_n = 0;  ///< a CTA's patch; of a GEMV the panels of its eight warps
  int tile_m = 0;
  int threads = 0, registers = 0;
  int64_t static_shared = 0;  ///< with what the driver takes
  int64_t stage_bytes = 0;    ///< GEMM: dynamic shared memory
  int64_t in_flight = 0;      ///< bytes of W that a CTA has on their way
};

inline constexpr int kCostVariants = 4;

/** A row of kernels.inc as the model sees it. */
struct CostKernel {
  const char* name;
  const char* file;
  CudaStage stage;
  CudaLayout layout;
  int64_t m_min, m_max;  ///< rows of X
  /** [with groups of alpha][of a GEMV: for 1, up to 4, 8, 16 rows of X; of A16: one plane, three]; rows 0: there is none. */
  CostCode codes[2][kCostVariants];

  bool gemv() const { return m_max < kAnyM; }
  /** What serves so many rows of X. */
  const CostCode& code_for(int64_t M, int planes, bool groups) const;
};

/** Every product kernel of an architecture ("sm90a"), in the order of kernels.inc. */
std::vector<CostKernel> cost_kernels(const char* arch);

}  // namespace ternary

#endif  // TERNARY_CORE_CUDA_COST_CODE_H_
