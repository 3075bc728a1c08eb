/**
 * @file gemm_plan.h
 * @brief How a GEMM is shared out: a patch of Y for each CTA, or for some CTAs that share K.
 *
 * K is split between stretches (glossary). What a CTA of a split leaves of its patch is a part: a patch of sums. Sums of
 * int32 may be added in any order, so a CTA leaves one. Of fp32 sums each stretch is a part, but the first CTA's, which
 * adds its own up as it goes: it has the first ones.
 */
#ifndef TERNARY_CUDA_GEMM_GEMM_PLAN_H_
#define TERNARY_CUDA_GEMM_GEMM_PLAN_H_

#include <cstdint>
#include <cstring>

#include "abi/cuda_kernel.h"
#include "abi/cuda_rows.h"

namespace ternary::cuda {

/** What a launch reads of its plan (CudaPlan::own), and its kernel besides the task. */
struct GemmSplit {
  int32_t splits;         ///< CTAs of a patch, neighbours in the grid
  int32_t cluster;        ///< 1: those are a cluster; else they meet in CudaGemmTask::partial
  int32_t ordered;        ///< 1: parts have to be added in the order of K
  int32_t stretches;      ///< of K
  int32_t stretch_steps;  ///< steps of 32 columns in one
  int32_t ticket_bytes;   ///< at the front of CudaGemmTask::partial, one of 4 a patch and padding

  /** Stretches are shared out as evenly as they can be. */
  constexpr int first_stretch(int rank) const { return stretches * rank / splits; }
  constexpr int parts_of(int rank) const {
    return ordered != 0 && rank > 0 ? first_stretch(rank + 1) - first_stretch(rank) : 1;
  }
  /** Place of a CTA's first part among those of its patch; of CTA `splits`: how many those are. */
  constexpr int first_part(int rank) const {
    return ordered != 0 && rank > 0 ? 1 + first_stretch(rank) - first_stretch(1) : rank;
  }
};
static_assert(sizeof(GemmSplit) <= sizeof CudaPlan::own);

inline GemmSplit split_of(const CudaPlan& plan) {
  GemmSplit split;
  std::memcpy(&split, plan.own, sizeof split);
  return split;
}

/** What a grid may have along x. */
inline constexpr int64_t kMostCtas = (int64_t{1} << 31) - 1;

/** Plans the variant of a row that serves the problem. */
Reason plan_gemm(const CudaRow& row, const CudaProblem& problem, CudaPlan* plan);

}  // namespace ternary::cuda

#endif  // TERNARY_CUDA_GEMM_GEMM_PLAN_H_
