/**
 * @file gemm_units.cuh
 * @brief fp32 sums of units in the order of numerics.md sections 3.3 and 7: where units of a stretch end, their scales, and
 * the sums. A unit is a group of alpha, a block of X, or a group within a block.
 */
#ifndef TERNARY_CUDA_GEMM_GEMM_UNITS_CUH_
#define TERNARY_CUDA_GEMM_GEMM_UNITS_CUH_

#include <type_traits>

#include "cuda/device/unit_sum.cuh"
#include "cuda/gemm/gemm_stretches.cuh"

namespace ternary::cuda {

/** What the sums of a unit are multiplied by. */
template <typename Patch, bool by_block>
struct UnitScales {
  float alpha[Patch::kPanels][2];  ///< of the unit's group: rows g and g + 8 of each panel
  float x[Patch::kEights][2];      ///< by_block: of the unit's block, rows 2 * t and 2 * t + 1 of each eight

  /** Of panel p, eight j, sum i. `groups`: alpha has groups. */
  template <bool groups>
  __device__ __forceinline__ float of(int p, int j, int i) const {
    if (!by_block) return alpha[p][i / 2];
    return groups ? __fmul_rn(x[j][i & 1], alpha[p][i / 2]) : x[j][i & 1];
  }
};

/** Which run of `length` units one lies in; mostly a run is one unit, and a division 20 instructions. */
__device__ __forceinline__ int run_of_units(int unit, int length) { return length == 1 ? unit : unit / length; }

/** Rows of X that a lane has sums of, behind a first: looked up each time, since registers for them would be spilled. */
template <typename Patch, typename Rows>
class LaneRows {
 public:
  __device__ explicit LaneRows(const GemmPlace<Patch>& place) : place_(place) {}
  static __device__ __forceinline__ int64_t first(const GemmPlace<Patch>&) { return 0; }
  __device__ __forceinline__ int64_t behind(int i) const { return place_.rows.x(place_.m(i / 2, i % 2)); }

 private:
  const GemmPlace<Patch>& place_;
};
template <typename Patch>
class LaneRows<Patch, OwnRows> {
 public:
  __device__ explicit LaneRows(const GemmPlace<Patch>&) {}
  static __device__ __forceinline__ int64_t first(const GemmPlace<Patch>& place) {
    return place.m0 + place.warp_m + 2 * place.t;
  }
  static __device__ __forceinline__ int behind(int i) { return 8 * (i / 2) + i % 2; }
};

/** Where the scales of X are. */
template <typename Patch>
class BlockWalk {
 public:
  __device__ BlockWalk(const CudaGemmTask& t, const GemmPlace<Patch>& place, int unit)
      : s_(t.s + Rows::first(place)),
        lane_(place),
        ld_(t.ld_s),
        rows_(static_cast<int>(max(t.M - place.m0 - place.warp_m - 2 * place.t, int64_t{0}))),
        units_(static_cast<int>(t.block) / unit) {}

  /** Plain loads: the kernel before has written them. `groups`: alpha has groups; else a block is a unit. */
  template <bool groups>
  __device__ __forceinline__ void ask(int unit, float (&x)[Patch::kEights][2]) const {
    const float* s = s_ + (groups ? run_of_units(unit, units_) : unit) * ld_;
#pragma unroll
    for (int i = 0; i < 2 * Patch::kEights; ++i) {
      x[i / 2][i % 2] = 8 * (i / 2) + i % 2 < rows_ ? s[lane_.behind(i)] : 0.0f;
    }
  }

 private:
  using Rows = LaneRows<Patch, typename Patch::Rows>;

  const float* s_;
  Rows lane_;
  int64_t ld_;
  int rows_, units_;  ///< of a block
};
template <typename Patch>
struct NoBlocks {
  __device__ NoBlocks(const CudaGemmTask&, const GemmPlace<Patch>&, int) {}
};

/** Goes through the units of a stretch. */
template <typename Patch, bool by_block>
class UnitWalk {
 public:
  using Scales = UnitScales<Patch, by_block>;

  __device__ UnitWalk(const CudaGemmTask& t, const GemmPlace<Patch>& place)
      : UnitWalk(t, place, static_cast<int>(by_block ? unit_columns(t.group, t.block) : t.group)) {}

  __device__ __forceinline__ bool has_groups() const { return !by_block || group_units_ != 0; }
  __device__ __forceinline__ int unit_steps() const { return steps_; }

  __device__ __forceinline__ void begin_stretch(int stretch) {
    unit_ = stretch * in_stretch_;
    left_ = steps_;
  }

  /** Goes on by steps of one unit; whether they end it. The padding beyond K belongs to the last unit, or to none. */
  __device__ __forceinline__ bool pass(int steps) {
    left_ -= steps;
    if (left_ != 0) return false;
    left_ = steps_;
    return unit_++ < units_;
  }

  /** Goes on by steps that end no unit. */
  __device__ __forceinline__ void begin_run(int steps) { left_ -= steps; }

  /** From column 0 to where it is. */
  __device__ __forceinline__ int step() const { return (unit_ + 1) * steps_ - left_; }

  /** Ends the unit that the stretch has left open, if there is one: the last, where it is short. */
  __device__ __forceinline__ bool end_stretch() { return left_ != steps_ && pass(left_); }

  /** Scales of the unit that was ended. `groups`: alpha has groups; else alpha is not touched. */
  template <bool groups>
  __device__ __forceinline__ void ask(Scales& scales) const {
    const int unit = unit_ - 1;
    if constexpr (by_block) blocks_.template ask<groups>(unit, scales.x);
    if constexpr (!by_block || groups) {
      const int group = by_block ? run_of_units(unit, group_units_) : unit;
#pragma unroll
      for (int p = 0; p < Patch::kPanels; ++p) {
        scales.alpha[p][0] = __ldg(alpha_[p] + group * 16);
        scales.alpha[p][1] = __ldg(alpha_[p] + group * 16 + 8);
      }
    }
  }

 private:
  __device__ UnitWalk(const CudaGemmTask& t, const GemmPlace<Patch>& place, int unit)
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

  const float* alpha_[Patch::kPanels];
  int units_, steps_, in_stretch_, group_units_, unit_ = 0, left_ = 0;
  std::conditional_t<by_block, BlockWalk<Patch>, NoBlocks<Patch>> blocks_;
};

/** What a step of 32 columns ends: a unit, whose scales there are then, or nothing. */
template <typename Patch, bool by_block>
struct UnitEnd {
  bool ends;
  UnitScales<Patch, by_block> scales;  ///< alpha is 1 where there are no groups
};

/**
 * Sums of a warp with units: the open unit's, the open stretch's over its units, those of the stretches. Small says how
 * sums of a unit are kept, Large how if it has too many columns for that (unit_sum.cuh).
 */
template <typename Patch, typename Small, typename Large, bool by_block>
class UnitTotals {
 public:
  static constexpr bool kOrdered = true, kWholeSpans = false;
  using Value = float;
  using Acc = std::remove_const_t<decltype(Small::kZero)>;
  using End = UnitEnd<Patch, by_block>;
  using Scales = UnitScales<Patch, by_block>;
  __device__ UnitTotals(const CudaGemmTask& t, const GemmPlace<Patch>& place, const GemmRange<Patch>& range,
                        const GemmParts<Patch>& parts)
      : walk_(t, place), sums_(range, parts) {
    clear<Small>();
  }

  __device__ __forceinline__ Acc (&at(int p, int j))[4] { return acc_[p][j]; }
  __device__ __forceinline__ void begin_stretch(int stretch) { walk_.begin_stretch(stretch); }

  __device__ __forceinline__ End next_step() {
    End end;
    if constexpr (!by_block) end = {};  // or ptxas keeps many steps' alpha at a time
    end.ends = walk_.pass(1);
    if (end.ends) ask(end.scales);
    return end;
  }

  /** Adds the unit's sums to the stretch and clears them, where a step ends one. */
  __device__ __forceinline__ void end_unit(const End& end, int p, int j) {
    if (end.ends) add_unit(end.scales, p, j);
  }
  __device__ __forceinline__ void end_unit(const End& end) {
    if (end.ends) add_unit(end.scales);
  }
  __device__ __forceinline__ void end_stretch(int stretch) {
    if (walk_.end_stretch()) {
      Scales scales;
      ask(scales);
      add_unit(scales);
    }
    sums_.end(stretch, stretch_);
  }

  __device__ __forceinline__ const float (&sum(int p, int j) const)[4] { return sums_.sum(p, j); }

 protected:
  template <typename Sum>
  __device__ __forceinline__ void clear() {
#pragma unroll
    for (int i = 0; i < 4 * Patch::kPanels * Patch::kEights; ++i) {
      acc_[i / 4 / Patch::kEights][i / 4 % Patch::kEights][i % 4] = Sum::kZero;
    }
  }

  /** Adds sums of a unit to the stretch and clears them. */
  template <typename Sum, bool groups>
  __device__ __forceinline__ void add_unit_of(const Scales& scales, int p, int j) {
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      stretch_[p][j][i] = __fmaf_rn(Sum::of(acc_[p][j][i]), scales.template of<groups>(p, j, i), stretch_[p][j][i]);
      acc_[p][j][i] = Sum::kZero;
    }
  }
  template <typename Sum, bool groups>
  __device__ __forceinline__ void add_unit_of(const Scales& scales) {
#pragma unroll
    for (int p = 0; p < Patch::kPanels; ++p) {
#pragma unroll
      for (int j = 0; j < Patch::kEights; ++j) add_unit_of<Sum, groups>(scales, p, j);
    }
  }
  __device__ __forceinline__ void add_unit(const Scales& scales, int p, int j) {
    if (std::is_same_v<Small, Large> || walk_.unit_steps() <= kMostSteps) {
      add_unit_of<Small, true>(scales, p, j);
    } else {
      add_unit_of<Large, true>(scales, p, j);
    }
  }
  __device__ __forceinline__ void add_unit(const Scales& scales) {
#pragma unroll
    for (int p = 0; p < Patch::kPanels; ++p) {
#pragma unroll
      for (int j = 0; j < Patch::kEights; ++j) add_unit(scales, p, j);
    }
  }

  UnitWalk<Patch, by_block> walk_;

 private:
  static constexpr int kMostSteps = SmallSum<0>::kMostColumns / 32;

  __device__ __forceinline__ void ask(Scales& scales) const {
    if (walk_.has_groups()) {
      walk_.template ask<true>(scales);
      return;
    }
    walk_.template ask<false>(scales);
#pragma unroll
    for (int p = 0; p < Patch::kPanels; ++p) scales.alpha[p][0] = scales.alpha[p][1] = 1.0f;
  }

  Acc acc_[Patch::kPanels][Patch::kEights][4];
  float stretch_[Patch::kPanels][Patch::kEights][4] = {};

 protected:
  StretchSums<Patch> sums_;
};

}  // namespace ternary::cuda

#endif  // TERNARY_CUDA_GEMM_GEMM_UNITS_CUH_
