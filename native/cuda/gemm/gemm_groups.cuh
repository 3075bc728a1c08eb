/**
 * @file gemm_groups.cuh
 * @brief fp32 sums in the order of numerics.md: stretches of K, each from zero, and groups of alpha within them.
 */
#ifndef TERNARY_CUDA_GEMM_GEMM_GROUPS_CUH_
#define TERNARY_CUDA_GEMM_GEMM_GROUPS_CUH_

#include "cuda/gemm/gemm_split.cuh"

namespace ternary::cuda {

/** The sum of stretches for each output of a warp, in ascending order. */
template <typename Patch>
class StretchSums {
 public:
  __device__ StretchSums(const GemmRange<Patch>& range, const GemmParts<Patch>& parts) : range_(range), parts_(parts) {}

  /** Takes the sums of a stretch of the CTA, in the order of K, and clears them: the first CTA of a patch adds them up,
   *  and others leave all but their last, which begins their sum(). */
  __device__ __forceinline__ void end(int stretch, float (&sums)[Patch::kPanels][Patch::kEights][4]) {
    const bool adds = range_.rank == 0 || stretch == range_.end - 1;
    uint4* part = adds ? nullptr : parts_.place(stretch - range_.first) + threadIdx.x;
#pragma unroll
    for (int p = 0; p < Patch::kPanels; ++p) {
#pragma unroll
      for (int j = 0; j < Patch::kEights; ++j) {
        if (adds) {
          add_quad(sum_[p][j], quad_of(sums[p][j]));
        } else {
          part[(p * Patch::kEights + j) * Patch::kThreads] = quad_of(sums[p][j]);
        }
#pragma unroll
        for (int i = 0; i < 4; ++i) sums[p][j][i] = 0.0f;
      }
    }
  }

  __device__ __forceinline__ const float (&sum(int p, int j) const)[4] { return sum_[p][j]; }

 private:
  const GemmRange<Patch>& range_;
  const GemmParts<Patch>& parts_;
  float sum_[Patch::kPanels][Patch::kEights][4] = {};
};

/** What a step of 32 columns ends. */
template <typename Patch>
struct GroupEnd {
  bool ends;                       ///< a group
  float scale[Patch::kPanels][2];  ///< alpha of that group, rows g and g + 8 of each panel
};

/** Goes through a stretch in steps of 32 columns. */
template <typename Patch>
class GroupEnds {
 public:
  __device__ GroupEnds(const CudaGemmTask& t, const GemmPlace<Patch>& place)
      : groups_(static_cast<int>(ceil_div(t.K, t.group))),
        steps_(static_cast<int>(t.group / 32)),
        in_stretch_(groups_in_super_block(t.group)) {
    const int64_t last = ceil_div(t.N, 16) - 1;
#pragma unroll
    for (int p = 0; p < Patch::kPanels; ++p) {
      alpha_[p] = t.alpha + min(place.panel + p, last) * groups_ * 16 + place.g;
    }
  }

  __device__ __forceinline__ void begin_stretch(int stretch) {
    group_ = stretch * in_stretch_;
    left_ = steps_;
  }

  __device__ __forceinline__ GroupEnd<Patch> next_step() {
    if (--left_ != 0) return {};
    return end();
  }

  /** Ends the group that the stretch has left open, if there is one: the last, where it is short. */
  __device__ __forceinline__ GroupEnd<Patch> end_stretch() {
    if (left_ == steps_) return {};
    return end();
  }

 private:
  /** The padding beyond K belongs to the last group, or to none. */
  __device__ __forceinline__ GroupEnd<Patch> end() {
    GroupEnd<Patch> end = {};
    end.ends = group_ < groups_;
    left_ = steps_;
    if (!end.ends) return end;
#pragma unroll
    for (int p = 0; p < Patch::kPanels; ++p) {
      end.scale[p][0] = __ldg(alpha_[p] + group_ * 16);
      end.scale[p][1] = __ldg(alpha_[p] + group_ * 16 + 8);
    }
    ++group_;
    return end;
  }

  const float* alpha_[Patch::kPanels];
  int groups_, steps_, in_stretch_, group_ = 0, left_ = 0;
};

/** Sums of a warp with groups of alpha: the open group's, the open stretch's over its groups, those of the stretches. */
template <typename Patch, typename Acc>
class GroupTotals {
 public:
  static constexpr bool kOrdered = true, kWholeSpans = false;
  using Value = float;
  __device__ GroupTotals(const CudaGemmTask& t, const GemmPlace<Patch>& place, const GemmRange<Patch>& range,
                         const GemmParts<Patch>& parts)
      : ends_(t, place), sums_(range, parts) {}

  __device__ __forceinline__ Acc (&at(int p, int j))[4] { return acc_[p][j]; }
  __device__ __forceinline__ void begin_stretch(int stretch) { ends_.begin_stretch(stretch); }
  __device__ __forceinline__ GroupEnd<Patch> next_step() { return ends_.next_step(); }

  /** Adds the group's sums to the stretch and clears them, where a step ends one. */
  __device__ __forceinline__ void end_group(const GroupEnd<Patch>& end, int p, int j) {
    if (!end.ends) return;
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      stretch_[p][j][i] = __fmaf_rn(static_cast<float>(acc_[p][j][i]), end.scale[p][i / 2], stretch_[p][j][i]);
      acc_[p][j][i] = 0;
    }
  }
  __device__ __forceinline__ void end_group(const GroupEnd<Patch>& end) {
#pragma unroll
    for (int p = 0; p < Patch::kPanels; ++p) {
#pragma unroll
      for (int j = 0; j < Patch::kEights; ++j) end_group(end, p, j);
    }
  }
  __device__ __forceinline__ void end_stretch(int stretch) {
    end_group(ends_.end_stretch());
    sums_.end(stretch, stretch_);
  }

  __device__ __forceinline__ const float (&sum(int p, int j) const)[4] { return sums_.sum(p, j); }

 private:
  Acc acc_[Patch::kPanels][Patch::kEights][4] = {};
  float stretch_[Patch::kPanels][Patch::kEights][4] = {};
  GroupEnds<Patch> ends_;
  StretchSums<Patch> sums_;
};

/** Steps of a span that are multiplied: all but where a stretch begins or ends inside it. */
template <bool whole>
struct SpanSteps {
  int first, end;
  __device__ __forceinline__ bool has(int step) const { return whole || (step >= first && step < end); }
};

/** The steady loop: so many spans, whole. */
template <typename Patch, typename Ring, typename Multiply>
__device__ __forceinline__ void run_whole_spans(int spans, Ring& ring, const Multiply& multiply) {
#pragma unroll 1
  for (; spans > 0; --spans) {
    ring.advance();
    multiply(SpanSteps<true>{0, GemmRange<Patch>::kSpanSteps});
  }
}

/** A stretch that begins or ends inside of spans: those are multiplied in two goes. `at`: how far the open one is. */
template <typename Patch, typename Ring, typename Multiply>
__device__ __forceinline__ void run_steps(int left, int& at, Ring& ring, const Multiply& multiply) {
  constexpr int kSteps = GemmRange<Patch>::kSpanSteps;
#pragma unroll 1
  while (left > 0) {
    if (at == 0) {
      run_whole_spans<Patch>(left / kSteps, ring, multiply);
      left %= kSteps;
      if (left == 0) return;
      ring.advance();
    }
    const int end = min(at + left, kSteps);
    multiply(SpanSteps<false>{at, end});
    left -= end - at;
    at = end % kSteps;
  }
}

/** Multiplies all that the CTA has of K: `multiply(steps)` those of the span that the ring has advanced to. */
template <typename Patch, typename Ring, typename Sums, typename Multiply>
__device__ __forceinline__ void run_range(const GemmRange<Patch>& range, Ring& ring, Sums& sums,
                                          const Multiply& multiply) {
  if constexpr (!Sums::kOrdered) {
    run_whole_spans<Patch>(range.spans, ring, multiply);
  } else {
    int at = range.steps_before();
    if (at != 0) ring.advance();
#pragma unroll 1
    for (int stretch = range.first; stretch < range.end; ++stretch) {
      const int steps = range.steps_of(stretch);
      sums.begin_stretch(stretch);
      if constexpr (Sums::kWholeSpans) {
        run_whole_spans<Patch>(steps / GemmRange<Patch>::kSpanSteps, ring, multiply);
      } else {
        run_steps<Patch>(steps, at, ring, multiply);
      }
      sums.end_stretch(stretch);
    }
  }
}

}  // namespace ternary::cuda

#endif  // TERNARY_CUDA_GEMM_GEMM_GROUPS_CUH_
