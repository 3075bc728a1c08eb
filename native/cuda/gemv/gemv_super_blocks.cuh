/**
 * @file gemv_super_blocks.cuh
 * @brief A warp's way through K where that has units: sums of units, scaled, and of super-blocks over them.
 */
#ifndef TERNARY_CUDA_GEMV_GEMV_SUPER_BLOCKS_CUH_
#define TERNARY_CUDA_GEMV_GEMV_SUPER_BLOCKS_CUH_

#include "cuda/gemv/gemv_ring.cuh"

namespace ternary::cuda {

/** Which block of X and which group of alpha a unit lies in, where there are both: one of the two has one unit. */
struct UnitPlace {
  int block = 0, group = 0;

  __device__ void start(const GemvArgs& a, int unit) {
    block = unit / a.block_units;
    block_left_ = a.block_units - (unit - block * a.block_units);
    group = unit / a.group_units;
    group_left_ = a.group_units - (unit - group * a.group_units);
  }
  __device__ void next(const GemvArgs& a) {
    if (--block_left_ == 0) ++block, block_left_ = a.block_units;
    if (--group_left_ == 0) ++group, group_left_ = a.group_units;
  }

 private:
  int block_left_ = 0, group_left_ = 0;
};

/** A warp's way through the super-blocks of one panel after another; by_block: units have scales of X. */
template <class Dots, int kAheadTiles, bool by_block>
class SuperBlockWalk {
 public:
  using Codes = typename Dots::Codes;
  static constexpr int kSpanTiles = span_tiles(Codes::kLayout), kSpanSteps = kSpanTiles * Codes::kSteps;
  static constexpr int kOutputs = Dots::kOutputs;

  __device__ explicit SuperBlockWalk(const GemvArgs& a, const void* ring, const void* shared_q)
      : a_(a),
        lane_(static_cast<int>(threadIdx.x) & 31),
        k_warp_(static_cast<int>(threadIdx.x) / 32 & (a.k_warps() - 1)),
        panel_(static_cast<int>(blockIdx.x) * a.cta_panels() + (static_cast<int>(threadIdx.x) / 32 >> a.k_warps_log2)),
        panel_step_(static_cast<int>(gridDim.x) * a.cta_panels()),
        rounds_(a, k_warp_),
        ring_(a, rounds_, ring, panel_, panel_step_) {
#pragma unroll
    for (int i = 0; i < Dots::kVectors; ++i) {
      row_[i] = shared_address(shared_q) + Dots::q_row(i, lane_, a.M) * a.q_stride + 16 * (lane_ & 3);
    }
  }

  __device__ int panel() const { return panel_; }
  __device__ bool leader() const { return k_warp_ == 0; }
  __device__ float super_block_sum(int output) const { return super_block_sum_[output]; }

  /** Sums of this warp's steps of a round; q of them begins at column `staged` in shared memory. */
  __device__ void run(int round, int staged, const UnitRows& x, float (&sum)[kOutputs]) {
    const int first = rounds_.first_step(round), end = rounds_.last_step(round);
    if (panel_ >= a_.panels || first >= end) return;
    if (a_.k_warps_log2 != 0 || round == 0) start_super_block(first, x);
    dots_.begin(held_);
    if (!has_whole_units(first, end)) {
      run_steps(first, end, staged, x, sum);
    } else if constexpr (kSpanTiles == 1) {
      if (has_groups() || a_.unit_steps != kSpanSteps) {
        has_groups() ? run_whole_units<true>(first, end, staged, x, sum)
                     : run_whole_units<false>(first, end, staged, x, sum);
      } else {
        run_tile_units(first, end, staged, x, sum);
      }
    }
#pragma unroll
    for (int i = 0; i < kOutputs; ++i) held_[i] = dots_.fold(i);
  }

  __device__ void next_panel() { panel_ += panel_step_; }

 private:
  /** Whether units end behind spans alone: tiles of I2S, a block of 128. */
  __device__ bool has_whole_units(int first, int end) const {
    return kSpanTiles == 1 && a_.unit_steps % kSpanSteps == 0 && first % kSpanSteps == 0 &&
           (end % kSpanSteps == 0 || end == a_.steps);
  }

  /** Steps first ... end, where units may end behind any. */
  __device__ __forceinline__ void run_steps(int first, int end, int staged, const UnitRows& x, float (&sum)[kOutputs]) {
    const int span_end = (end + kSpanSteps - 1) / kSpanSteps;
#pragma unroll 1
    for (int span = first / kSpanSteps; span < span_end; ++span) {
      uint4 now[kSpanTiles];
      ring_.advance(span, first, end, now);
      add_span(now, span, first, end, staged, x, sum);
    }
  }

  /** The same where units end behind spans alone. */
  template <bool groups>
  __device__ __forceinline__ void run_whole_units(int first, int end, int staged, const UnitRows& x,
                                                  float (&sum)[kOutputs]) {
    const int span_end = (end + kSpanSteps - 1) / kSpanSteps;
    SharedAddress at[Dots::kVectors];
    q_of_span(first / kSpanSteps, staged, at);
#pragma unroll 1
    for (int span = first / kSpanSteps; span < span_end; ++span) {
      uint4 now[kSpanTiles];
      ring_.advance(span, first, end, now);
      add_steps<true>(now, at, 0, kSpanSteps);
      next_span(at);
      steps_left_ -= kSpanSteps;
      if (steps_left_ == 0 || (span + 1) * kSpanSteps >= a_.steps) end_unit<groups>(x, sum);
    }
  }

  /**
   * The same where a tile is a block and alpha has no groups. The inner loop stays in a super-block, and what it asks for in
   * a round, so that it has a word for neither.
   */
  __device__ __forceinline__ void run_tile_units(int first, int end, int staged, const UnitRows& x,
                                                 float (&sum)[kOutputs]) {
    int span = first / kSpanSteps;
    const int span_end = (end + kSpanSteps - 1) / kSpanSteps;
    SharedAddress at[Dots::kVectors];
    q_of_span(span, staged, at);
    const int32_t* q_sum[Dots::kColumns];
    const float* s[Dots::kColumns];
#pragma unroll
    for (int c = 0; c < Dots::kColumns; ++c) {
      const int m = min(Dots::lane_column(c, lane_), a_.M - 1);
      q_sum[c] = x.q_sums + m * a_.units + unit_;
      s[c] = x.s + unit_ * x.ld_s + m;
    }
#pragma unroll 1
    while (span < span_end) {
      const int count = min(min(span_end - span, units_left_), ring_.spans_inside());
#pragma unroll 1
      for (int i = 0; i < count; ++i) {
        const uint4 now[1] = {ring_.advance_inside()};
#pragma unroll
        for (int c = 0; c < Dots::kColumns; ++c) {
          q_sum_[c] = *q_sum[c]++;
          s_[c] = *s[c];
          s[c] += x.ld_s;
        }
        dots_.clear();
        add_steps<true>(now, at, 0, kSpanSteps);
        next_span(at);
        add_unit<false>();
      }
      ring_.end_inside(count);
      span += count;
      unit_ += count;
      units_left_ -= count;
      if (units_left_ == 0 || unit_ == a_.units) end_super_block(sum);
    }
    dots_.clear();
  }

  /** Where this lane's rows of q have the span. */
  __device__ __forceinline__ void q_of_span(int span, int staged, SharedAddress (&at)[Dots::kVectors]) const {
#pragma unroll
    for (int i = 0; i < Dots::kVectors; ++i) at[i] = row_[i] + span * (kSpanSteps * kStepColumns) - staged;
  }

  __device__ __forceinline__ void next_span(SharedAddress (&at)[Dots::kVectors]) const {
#pragma unroll
    for (int i = 0; i < Dots::kVectors; ++i) at[i] += kSpanSteps * kStepColumns;
  }

  __device__ bool has_groups() const { return !by_block || a_.groups != 0; }

  __device__ void start_super_block(int step, const UnitRows& x) {
    unit_ = step / a_.unit_steps;
    if (by_block && has_groups()) place_.start(a_, unit_);
    units_left_ = a_.super_block_units;
#pragma unroll
    for (int i = 0; i < kOutputs; ++i) super_block_sum_[i] = 0.0f, held_[i] = 0;
    has_groups() ? start_unit<true>(x) : start_unit<false>(x);
  }

  /** Its scales are on their way while its sums are made. `groups`: alpha has groups. */
  template <bool groups>
  __device__ __forceinline__ void start_unit(const UnitRows& x) {
    steps_left_ = a_.unit_steps;
    if (unit_ >= a_.units) return;
#pragma unroll
    for (int c = 0; c < Dots::kColumns; ++c) {
      const int m = min(Dots::lane_column(c, lane_), a_.M - 1);
      q_sum_[c] = x.q_sums[m * a_.units + unit_];
      if constexpr (by_block) s_[c] = x.s[(groups ? place_.block : unit_) * x.ld_s + m];
    }
    if (!groups) return;
    const int count = by_block ? a_.groups : a_.units, group = by_block ? place_.group : unit_;
    const float* alpha = a_.task.alpha + (static_cast<int64_t>(panel_) * count + group) * kPanelRows + lane_ / 4;
    alpha_[0] = alpha[0];
    alpha_[1] = alpha[8];
  }

  /** What the sum of the unit is multiplied by. */
  template <bool groups>
  __device__ __forceinline__ float scale(int output) const {
    const float alpha = alpha_[Dots::row(output, 0) / 8];
    if (!by_block) return alpha;
    return groups ? __fmul_rn(s_[Dots::column_number(output)], alpha) : s_[Dots::column_number(output)];
  }

  /** Adds the sums of the unit, scaled, to those of the super-block. */
  template <bool groups>
  __device__ __forceinline__ void add_unit() {
#pragma unroll
    for (int i = 0; i < kOutputs; ++i) {
      const int acc = Dots::finish(dots_.fold(i)) - q_sum_[Dots::column_number(i)];
      super_block_sum_[i] = __fmaf_rn(__int2float_rn(acc), scale<groups>(i), super_block_sum_[i]);
    }
  }

  __device__ __forceinline__ void end_super_block(float (&sum)[kOutputs]) {
    units_left_ = a_.super_block_units;
    if (a_.k_warps_log2 != 0) return;
#pragma unroll
    for (int i = 0; i < kOutputs; ++i) {
      sum[i] = __fadd_rn(sum[i], super_block_sum_[i]);
      super_block_sum_[i] = 0.0f;
    }
  }

  template <bool groups>
  __device__ __forceinline__ void end_unit(const UnitRows& x, float (&sum)[kOutputs]) {
    add_unit<groups>();
    dots_.clear();
    if (--units_left_ == 0 || unit_ + 1 == a_.units) end_super_block(sum);
    ++unit_;
    if (by_block && groups) place_.next(a_);
    start_unit<groups>(x);
  }

  /**
   * The steps of a span that lie in first ... end, unit by unit. The code of a unit's end is there once: inlined at
   * each of a span's ten steps, ptxas took more than ten minutes over a kernel.
   */
  __device__ void add_span(const uint4 (&now)[kSpanTiles], int span, int first, int end, int staged, const UnitRows& x,
                           float (&sum)[kOutputs]) {
    SharedAddress at[Dots::kVectors];
    q_of_span(span, staged, at);
    const int base = span * kSpanSteps, stop = min(end - base, kSpanSteps);
    int step = max(first - base, 0);
#pragma unroll 1
    while (step < stop) {
      const int until = min(stop, step + steps_left_);
      if (kSpanTiles > 1 && step == 0 && until == kSpanSteps) {
        add_steps<true>(now, at, step, until);
      } else {
        add_steps<false>(now, at, step, until);
      }
      steps_left_ -= until - step;
      step = until;
      if (steps_left_ != 0 && base + step != a_.steps) continue;
      has_groups() ? end_unit<true>(x, sum) : end_unit<false>(x, sum);
    }
  }

  /** Steps step ... until of a span, or all of it. */
  template <bool whole>
  __device__ __forceinline__ void add_steps(const uint4 (&now)[kSpanTiles], const SharedAddress (&at)[Dots::kVectors],
                                            int step, int until) {
    uint4 q[Dots::kVectors];
#pragma unroll
    for (int u = 0; u < kSpanTiles; ++u) {
      Codes::decode(now[u], [&](int d, int set, uint4 operand, uint4 before) {
        const int in_span = u * Codes::kSteps + d;
        if (in_span % 2 == 0) load_q<Dots>(at, in_span / 2, q);
        if (whole || (in_span >= step && in_span < until)) add_step(dots_, d, set, operand, before, in_span % 2, q);
      });
    }
  }

  const GemvArgs& a_;
  const int lane_, k_warp_;
  int panel_;
  const int panel_step_;
  const WarpRounds rounds_;
  TileRing<Codes, kAheadTiles> ring_;
  SharedAddress row_[Dots::kVectors];  ///< of this lane's rows of q
  Dots dots_;
  int held_[kOutputs];               ///< of the current unit, from earlier chunks
  float super_block_sum_[kOutputs];  ///< of the current super-block's units so far
  float alpha_[2];                   ///< of the current unit's group, rows g and g + 8
  float s_[Dots::kColumns];          ///< of the current unit's block
  int q_sum_[Dots::kColumns];        ///< of the current unit
  UnitPlace place_;
  int unit_ = 0, units_left_ = 0, steps_left_ = 0;
};

}  // namespace ternary::cuda

#endif  // TERNARY_CUDA_GEMV_GEMV_SUPER_BLOCKS_CUH_
