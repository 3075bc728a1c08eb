/**
 * @file gemm_groups.cuh
 * @brief Alpha by group of K in a GEMM: where groups end, and sums in the order of numerics.md section 3.3.
 */
#ifndef TERNARY_CUDA_GEMM_GEMM_GROUPS_CUH_
#define TERNARY_CUDA_GEMM_GEMM_GROUPS_CUH_

#include "cuda/device/epilogue.cuh"
#include "cuda/gemm/gemm_patch.cuh"

namespace ternary::cuda {

/** What a step of 32 columns ends. */
template <typename Patch>
struct GroupEnd {
  bool ends, closes;               ///< a group; also a super-block
  float scale[Patch::kPanels][2];  ///< alpha of that group, rows g and g + 8 of each panel
};

/** Goes through K in steps of 32 columns. */
template <typename Patch>
class GroupEnds {
 public:
  __device__ GroupEnds(const CudaGemmTask& t, const GemmPlace<Patch>& place)
      : groups_(static_cast<int>(ceil_div(t.K, t.group))),
        steps_(static_cast<int>(t.group / 32)),
        in_super_block_(groups_in_super_block(t.group)),
        left_(steps_),
        left_in_all_(static_cast<int>(ceil_div(t.K, Patch::kColumns)) * (Patch::kColumns / 32)) {
    const int64_t last = ceil_div(t.N, 16) - 1;
#pragma unroll
    for (int p = 0; p < Patch::kPanels; ++p) {
      const int64_t panel = place.panel + p < last ? place.panel + p : last;
      alpha_[p] = t.alpha + panel * groups_ * 16 + place.g;
    }
  }

  /** The padding beyond K belongs to the last group, or to none if that has ended. */
  __device__ __forceinline__ GroupEnd<Patch> next_step() {
    GroupEnd<Patch> end;
    const bool last = --left_in_all_ == 0;
    end.ends = (--left_ == 0 || last) && group_ < groups_;
    end.closes = false;
    if (!end.ends) return end;
#pragma unroll
    for (int p = 0; p < Patch::kPanels; ++p) {
      end.scale[p][0] = __ldg(alpha_[p] + group_ * 16);
      end.scale[p][1] = __ldg(alpha_[p] + group_ * 16 + 8);
    }
    ++group_;
    left_ = steps_;
    end.closes = ++in_open_ == in_super_block_ || group_ == groups_;
    if (end.closes) in_open_ = 0;
    return end;
  }

 private:
  const float* alpha_[Patch::kPanels];
  int groups_, steps_, in_super_block_, left_, left_in_all_, group_ = 0, in_open_ = 0;
};

/** The open super-block's sum and that of the closed ones, for each output of a warp. */
template <typename Patch>
class GroupTotals {
 public:
  /** Adds the group's sums to the super-block and clears them. */
  template <typename Acc>
  __device__ __forceinline__ void end_group(const GroupEnd<Patch>& end, int p, int j, Acc (&acc)[4]) {
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      super_block_[p][j][i] = __fmaf_rn(static_cast<float>(acc[i]), end.scale[p][i / 2], super_block_[p][j][i]);
      acc[i] = 0;
    }
    if (!end.closes) return;
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      sum_[p][j][i] = __fadd_rn(sum_[p][j][i], super_block_[p][j][i]);
      super_block_[p][j][i] = 0.0f;
    }
  }

  __device__ __forceinline__ float sum(int p, int j, int i) const { return sum_[p][j][i]; }

 private:
  float super_block_[Patch::kPanels][Patch::kEights][4] = {}, sum_[Patch::kPanels][Patch::kEights][4] = {};
};

}  // namespace ternary::cuda

#endif  // TERNARY_CUDA_GEMM_GEMM_GROUPS_CUH_
