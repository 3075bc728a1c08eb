/**
 * @file gemm_units.cuh
 * @brief fp32 sums in the order of numerics.md: stretches of K, each from zero, and units within them, which are groups of
 * alpha, blocks of X, or groups within blocks.
 */
#ifndef TERNARY_CUDA_GEMM_GEMM_GROUPS_CUH_
#define TERNARY_CUDA_GEMM_GEMM_GROUPS_CUH_

#include <type_traits>

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

/** Scales of X: of a block those of its rows, of which a lane has two of each eight. */
struct BlockScales {
  const float* s;  ///< of the block and the warp's first row of the lane
  int rows;        ///< that there are from there on

  __device__ __forceinline__ float at(int j, int i) const {
    const int row = 8 * j + (i & 1);
    return row < rows ? s[row] : 0.0f;  // a plain load: the kernel before has written it
  }
};

/** What a step of 32 columns ends. */
template <typename Patch, bool by_block>
struct UnitEnd {
  bool ends;  ///< a unit
  float alpha[Patch::kPanels]
             [2];  ///< of that unit's group, rows g and g + 8 of each panel; 1 where there are no groups
  BlockScales x;   ///< by_block: of that unit's block

  /** What the sum is multiplied by: panel p, eight j, sum i. */
  __device__ __forceinline__ float scale(int p, int j, int i) const {
    return by_block ? __fmul_rn(x.at(j, i), alpha[p][i / 2]) : alpha[p][i / 2];
  }
};

/** Which run of `length` units one lies in; mostly a run is one unit, and a division 20 instructions. */
__device__ __forceinline__ int run_of_units(int unit, int length) { return length == 1 ? unit : unit / length; }

/** Which block of X a unit lies in, and where its scales are. */
class BlockWalk {
 public:
  template <typename Patch>
  __device__ BlockWalk(const CudaGemmTask& t, const GemmPlace<Patch>& place, int unit)
      : s_(t.s + place.m0 + place.warp_m + 2 * place.t),
        ld_(t.ld_s),
        rows_(static_cast<int>(max(t.M - place.m0 - place.warp_m - 2 * place.t, int64_t{0}))),
        units_(static_cast<int>(t.block) / unit) {}

  __device__ __forceinline__ BlockScales of_unit(int unit) const {
    return {s_ + run_of_units(unit, units_) * ld_, rows_};
  }

 private:
  const float* s_;
  int64_t ld_;
  int rows_, units_;  ///< of a block
};
struct NoBlocks {
  template <typename Patch>
  __device__ NoBlocks(const CudaGemmTask&, const GemmPlace<Patch>&, int) {}
};

/** Goes through a stretch in steps of 32 columns. */
template <typename Patch, bool by_block>
class UnitEnds {
 public:
  using End = UnitEnd<Patch, by_block>;

  __device__ UnitEnds(const CudaGemmTask& t, const GemmPlace<Patch>& place)
      : UnitEnds(t, place, static_cast<int>(by_block ? unit_columns(t.group, t.block) : t.group)) {}

  __device__ __forceinline__ void begin_stretch(int stretch) {
    unit_ = stretch * in_stretch_;
    left_ = steps_;
  }

  __device__ __forceinline__ End next_step() {
    if (--left_ != 0) return {};
    return end();
  }

  /** Ends the unit that the stretch has left open, if there is one: the last, where it is short. */
  __device__ __forceinline__ End end_stretch() {
    if (left_ == steps_) return {};
    return end();
  }

 private:
  __device__ UnitEnds(const CudaGemmTask& t, const GemmPlace<Patch>& place, int unit)
      : units_(static_cast<int>(ceil_div(t.K, unit))),
        steps_(unit / 32),
        in_stretch_(units_in_super_block(unit)),
        group_units_(by_block ? static_cast<int>(t.group) / unit : 1),
        blocks_(t, place, unit) {
    const int64_t last = ceil_div(t.N, 16) - 1, groups = by_block && t.group > 0 ? ceil_div(t.K, t.group) : units_;
#pragma unroll
    for (int p = 0; p < Patch::kPanels; ++p) {
      alpha_[p] = t.alpha + min(place.panel + p, last) * groups * 16 + place.g;
    }
  }

  /** The padding beyond K belongs to the last unit, or to none. */
  __device__ __forceinline__ End end() {
    End end = {};
    end.ends = unit_ < units_;
    left_ = steps_;
    if (!end.ends) return end;
    if constexpr (by_block) end.x = blocks_.of_unit(unit_);
    const int group = !by_block ? unit_ : group_units_ == 0 ? 0 : run_of_units(unit_, group_units_);
#pragma unroll
    for (int p = 0; p < Patch::kPanels; ++p) {
      const bool groups = !by_block || group_units_ != 0;
      end.alpha[p][0] = groups ? __ldg(alpha_[p] + group * 16) : 1.0f;
      end.alpha[p][1] = groups ? __ldg(alpha_[p] + group * 16 + 8) : 1.0f;
    }
    ++unit_;
    return end;
  }

  const float* alpha_[Patch::kPanels];
  int units_, steps_, in_stretch_, group_units_, unit_ = 0, left_ = 0;
  std::conditional_t<by_block, BlockWalk, NoBlocks> blocks_;
};

/** Sums of a warp with units: the open unit's, the open stretch's over its units, those of the stretches. */
template <typename Patch, typename Acc, bool by_block>
class UnitTotals {
 public:
  static constexpr bool kOrdered = true, kWholeSpans = false;
  using Value = float;
  using End = UnitEnd<Patch, by_block>;
  __device__ UnitTotals(const CudaGemmTask& t, const GemmPlace<Patch>& place, const GemmRange<Patch>& range,
                        const GemmParts<Patch>& parts)
      : ends_(t, place), sums_(range, parts) {}

  __device__ __forceinline__ Acc (&at(int p, int j))[4] { return acc_[p][j]; }
  __device__ __forceinline__ void begin_stretch(int stretch) { ends_.begin_stretch(stretch); }
  __device__ __forceinline__ End next_step() { return ends_.next_step(); }

  /** Adds the unit's sums to the stretch and clears them, where a step ends one. */
  __device__ __forceinline__ void end_unit(const End& end, int p, int j) {
    if (!end.ends) return;
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      stretch_[p][j][i] = __fmaf_rn(static_cast<float>(acc_[p][j][i]), end.scale(p, j, i), stretch_[p][j][i]);
      acc_[p][j][i] = 0;
    }
  }
  __device__ __forceinline__ void end_unit(const End& end) {
#pragma unroll
    for (int p = 0; p < Patch::kPanels; ++p) {
#pragma unroll
      for (int j = 0; j < Patch::kEights; ++j) end_unit(end, p, j);
    }
  }
  __device__ __forceinline__ void end_stretch(int stretch) {
    end_unit(ends_.end_stretch());
    sums_.end(stretch, stretch_);
  }

  __device__ __forceinline__ const float (&sum(int p, int j) const)[4] { return sums_.sum(p, j); }

 private:
  Acc acc_[Patch::kPanels][Patch::kEights][4] = {};
  float stretch_[Patch::kPanels][Patch::kEights][4] = {};
  UnitEnds<Patch, by_block> ends_;
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
