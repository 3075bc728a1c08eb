/**
 * @file gemv_units.cuh
 * @brief Y = X * W^T for few rows of X and units of K, groups of alpha or blocks of X: the kernel, over the dot products of
 * gemv_tile.cuh.
 *
 * fp32 sums have an order (numerics.md sections 3.3 and 7.2): within a super-block one fma after the other, super-blocks
 * ascending. So a warp has whole super-blocks; warps of a panel take neighbouring ones, and the first of them adds
 * their sums in order. Where k_warps is 1 a warp goes through all of K, in chunks that may end anywhere.
 */
#ifndef TERNARY_CUDA_GEMV_GEMV_GROUPS_CUH_
#define TERNARY_CUDA_GEMV_GEMV_GROUPS_CUH_

#include "cuda/device/epilogue.cuh"
#include "cuda/gemv/gemv_rows.cuh"
#include "cuda/gemv/gemv_tile.cuh"

namespace ternary::cuda {

/** Which block of X and which group of alpha a unit lies in: one of the two has one unit. */
struct UnitPlace {
  int block = 0, group = 0;

  __device__ void start(const GemvArgs& a, int unit) {
    block = unit / a.block_units;
    block_left_ = a.block_units - (unit - block * a.block_units);
    if (a.groups == 0) return;
    group = unit / a.group_units;
    group_left_ = a.group_units - (unit - group * a.group_units);
  }
  __device__ void next(const GemvArgs& a) {
    if (--block_left_ == 0) ++block, block_left_ = a.block_units;
    if (a.groups != 0 && --group_left_ == 0) ++group, group_left_ = a.group_units;
  }

 private:
  int block_left_ = 0, group_left_ = 0;
};

/** What belongs to q. */
struct UnitRows {
  const int32_t* q_sums;  ///< [M, units]
  const float* s;         ///< with blocks [blocks, ld_s]
  int ld_s;
};

/**
 * A warp's way through the super-blocks of one panel after another; by_block: units have scales of X. W comes through a ring
 * of spans in shared memory, so that what is on its way costs no registers. A lane copies and reads its own 16 bytes of
 * each tile: no warp waits for another.
 */
template <class Dots, int kAheadTiles, bool by_block>
class SuperBlockWalk {
 public:
  using Codes = typename Dots::Codes;
  static constexpr int kSpanTiles = span_tiles(Codes::kLayout), kSpanSteps = kSpanTiles * Codes::kSteps;
  static constexpr int kOutputs = Dots::kOutputs;

  __device__ explicit SuperBlockWalk(const GemvArgs& a, const void* ring, const void* shared_q)
      : a_(a), lane_(static_cast<int>(threadIdx.x) & 31) {
    const int warp = static_cast<int>(threadIdx.x) / 32;
    k_warp_ = warp & (a.k_warps() - 1);
    panel_ = static_cast<int>(blockIdx.x) * a.cta_panels() + (warp >> a.k_warps_log2);
    panel_step_ = static_cast<int>(gridDim.x) * a.cta_panels();
#pragma unroll
    for (int i = 0; i < Dots::kVectors; ++i) {
      row_[i] = shared_address(shared_q) + Dots::q_row(i, lane_, a.M) * a.q_stride + 16 * (lane_ & 3);
    }
    ring_ = shared_address(ring) + warp * kRingBytes + 16 * lane_;
    next_panel_ = panel_;
    begin_round(0);
#pragma unroll
    for (int i = 0; i < kAhead; ++i) copy_next(i * kSpanBytes);
  }

  __device__ int panel() const { return panel_; }
  __device__ bool leader() const { return k_warp_ == 0; }
  __device__ float super_block_sum(int output) const { return super_block_sum_[output]; }

  /** The first step of this warp in a round: k_warps super-blocks, or a chunk of a lone warp. */
  __device__ int first_step(int round) const { return round * a_.chunk + k_warp_ * super_block_steps(); }

  /** Behind this warp's last step of a round. */
  __device__ int last_step(int round) const {
    return min(a_.steps, first_step(round) + (a_.k_warps_log2 == 0 ? a_.chunk : super_block_steps()));
  }

  /** Sums of this warp's steps of a round; q of them begins at column `staged` in shared memory. */
  __device__ void run(int round, int staged, const UnitRows& x, float (&sum)[kOutputs]) {
    const int first = first_step(round), end = last_step(round);
    if (panel_ >= a_.panels || first >= end) return;
    if (a_.k_warps_log2 != 0 || round == 0) start_super_block(first, x);
    dots_.clear();
    const int span_end = (end + kSpanSteps - 1) / kSpanSteps;
#pragma unroll 1
    for (int span = first / kSpanSteps; span < span_end; ++span) {
      uint4 now[kSpanTiles] = {};
      wait_batches<kAhead - 1>();
#pragma unroll
      for (int u = 0; u < kSpanTiles; ++u) {
        if (has_step(span * kSpanTiles + u, first, end)) now[u] = load_shared(ring_ + at_ + u * kTileBytes);
      }
      copy_next(at_ == 0 ? kAhead * kSpanBytes : at_ - kSpanBytes);  // over the span before, which is used up
      at_ = at_ == kAhead * kSpanBytes ? 0 : at_ + kSpanBytes;
      add_span(now, span, first, end, staged, x, sum);
    }
#pragma unroll
    for (int i = 0; i < kOutputs; ++i) held_[i] += dots_.fold(i);
  }

  __device__ void next_panel() { panel_ += panel_step_; }

 private:
  __device__ int super_block_steps() const { return a_.super_block_units * a_.unit_steps; }

  static constexpr int kTileBytes = static_cast<int>(kCudaTileBytes), kSpanBytes = kSpanTiles * kTileBytes;
  static constexpr int kAhead = kAheadTiles / kSpanTiles, kRingBytes = (kAhead + 1) * kSpanBytes;

  /** Whether a tile has one of the steps first ... end; of a span that has, one of one tile does. */
  static __device__ bool has_step(int tile, int first, int end) {
    const int begins = tile * Codes::kSteps;
    return kSpanTiles == 1 || (begins < end && begins + Codes::kSteps > first);
  }

  /** To the spans of a round of the panel that is copied, or to those of the next. */
  __device__ void begin_round(int round) {
    if (first_step(round) >= a_.steps) {
      round = 0;
      next_panel_ += panel_step_;
      if (first_step(0) >= a_.steps) next_panel_ = a_.panels;  // a warp without work
    }
    next_round_ = round;
    next_step_ = first_step(round);
    next_end_ = last_step(round);
  }

  /**
   * Begins to copy the next span to a place in the ring, but no tile without a step of the round: super-blocks of 2048
   * columns are 12.8 tiles of T5, of which whole spans would read 14.4 and this reads 13.6. A batch in any case.
   */
  __device__ void copy_next(int place) {
    if (next_panel_ < a_.panels) {
      const int tile = next_step_ / kSpanSteps * kSpanTiles;
      const uint8_t* from =
          a_.task.w + (static_cast<int64_t>(next_panel_) * a_.tiles + tile) * kCudaTileBytes + 16 * lane_;
#pragma unroll
      for (int u = 0; u < kSpanTiles; ++u) {
        if (has_step(tile + u, next_step_, next_end_)) {
          copy_weights(ring_ + place + u * kTileBytes, from + u * kTileBytes);
        }
      }
      next_step_ = (next_step_ / kSpanSteps + 1) * kSpanSteps;
      if (next_step_ >= next_end_) begin_round(next_round_ + 1);
    }
    end_batch();
  }

  __device__ void start_super_block(int step, const UnitRows& x) {
    unit_ = step / a_.unit_steps;
    if constexpr (by_block) place_.start(a_, unit_);
    units_left_ = a_.super_block_units;
#pragma unroll
    for (int i = 0; i < kOutputs; ++i) super_block_sum_[i] = 0.0f, held_[i] = 0;
    start_unit(x);
  }

  /** Its scales are on their way while its sums are made. */
  __device__ void start_unit(const UnitRows& x) {
    steps_left_ = a_.unit_steps;
    if (unit_ >= a_.units) return;
    if constexpr (by_block) {
#pragma unroll
      for (int c = 0; c < Dots::kColumns; ++c) {
        s_[c] = x.s[static_cast<int64_t>(place_.block) * x.ld_s + min(Dots::lane_column(c, lane_), a_.M - 1)];
      }
      if (a_.groups == 0) return;
    }
    const int groups = by_block ? a_.groups : a_.units, group = by_block ? place_.group : unit_;
    const float* alpha = a_.task.alpha + (static_cast<int64_t>(panel_) * groups + group) * kPanelRows + lane_ / 4;
    alpha_[0] = alpha[0];
    alpha_[1] = alpha[8];
  }

  /** What the sum of the unit is multiplied by. */
  __device__ float scale(int output) const {
    const float alpha = alpha_[Dots::row(output, 0) / 8];
    return by_block ? __fmul_rn(s_[Dots::column_number(output)], alpha) : alpha;
  }

  __device__ void end_unit(const UnitRows& x, float (&sum)[kOutputs]) {
    const bool last = units_left_ == 1 || unit_ + 1 == a_.units;
#pragma unroll
    for (int i = 0; i < kOutputs; ++i) {
      const int m = min(Dots::column(i, lane_), a_.M - 1);
      const int acc = Dots::finish(held_[i] + dots_.fold(i)) - x.q_sums[static_cast<int64_t>(m) * a_.units + unit_];
      super_block_sum_[i] = __fmaf_rn(__int2float_rn(acc), scale(i), super_block_sum_[i]);
      held_[i] = 0;
      if (last && a_.k_warps_log2 == 0) {
        sum[i] = __fadd_rn(sum[i], super_block_sum_[i]);
        super_block_sum_[i] = 0.0f;
      }
    }
    dots_.clear();
    units_left_ = last ? a_.super_block_units : units_left_ - 1;
    ++unit_;
    if constexpr (by_block) place_.next(a_);
    start_unit(x);
  }

  /**
   * The steps of a span that lie in first ... end, unit by unit. The code of a unit's end is there once: inlined at
   * each of a span's ten steps, ptxas took more than ten minutes over a kernel.
   */
  __device__ void add_span(const uint4 (&now)[kSpanTiles], int span, int first, int end, int staged, const UnitRows& x,
                           float (&sum)[kOutputs]) {
    SharedAddress at[Dots::kVectors];
#pragma unroll
    for (int i = 0; i < Dots::kVectors; ++i) at[i] = row_[i] + span * (kSpanSteps * kStepColumns) - staged;
    const int base = span * kSpanSteps, stop = min(end - base, kSpanSteps);
    int step = max(first - base, 0);
#pragma unroll 1
    while (step < stop) {
      const int until = min(stop, step + steps_left_);
      if (step == 0 && until == kSpanSteps) {
        add_steps<true>(now, at, step, until);
      } else {
        add_steps<false>(now, at, step, until);
      }
      steps_left_ -= until - step;
      step = until;
      if (steps_left_ == 0 || base + step == a_.steps) end_unit(x, sum);
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
  const int lane_;
  int k_warp_, panel_, panel_step_;
  int next_panel_, next_round_, next_step_, next_end_;  ///< where the next span is copied from
  SharedAddress ring_;                                  ///< of this lane
  int at_ = 0;                                          ///< of the span in the ring that is multiplied next
  SharedAddress row_[Dots::kVectors];                   ///< of this lane's rows of q
  Dots dots_;
  int held_[kOutputs];               ///< of the current unit, from earlier chunks
  float super_block_sum_[kOutputs];  ///< of the current super-block's units so far
  float alpha_[2] = {1.0f, 1.0f};    ///< of the current unit's group, rows g and g + 8; 1 where there are no groups
  float s_[Dots::kColumns];          ///< of the current unit's block
  UnitPlace place_;
  int unit_ = 0, units_left_ = 0, steps_left_ = 0;
};

/** Adds the super-blocks of a round to the leader's sums, in their order. */
template <class Dots, class Walk>
__device__ __forceinline__ void add_super_blocks(const GemvArgs& a, const Walk& walk, int round, float* places,
                                                 float (&sum)[Dots::kOutputs]) {
  const int lane = static_cast<int>(threadIdx.x) & 31, warp = static_cast<int>(threadIdx.x) / 32;
  const int own = Dots::owner_number(lane);
#pragma unroll
  for (int i = 0; i < Dots::kOutputs; ++i) {
    if (Dots::owner(lane)) places[(warp * Dots::kOutputs + i) * Dots::kOwners + own] = walk.super_block_sum(i);
  }
  __syncthreads();
  if (!walk.leader()) return;
  const int super_blocks = min(a.k_warps(), a.super_blocks - round * a.k_warps());
  for (int b = 0; b < super_blocks; ++b) {
#pragma unroll
    for (int i = 0; i < Dots::kOutputs; ++i) {
      sum[i] = __fadd_rn(sum[i], places[((warp + b) * Dots::kOutputs + i) * Dots::kOwners + own]);
    }
  }
}

template <class Dots, class Rows, int kCtas, int kAheadTiles, bool by_block>
__global__ void __launch_bounds__(kGemvThreads, kCtas) gemv_units_kernel(const GemvArgs a, const Rows rows) {
  extern __shared__ uint4 shared[];
  unsigned char* q = reinterpret_cast<unsigned char*>(shared) + unit_ring_bytes(Dots::Codes::kLayout, kAheadTiles);
  float* places = reinterpret_cast<float*>(q + a.M * a.q_stride);
  constexpr int kPlaces = kGemvWarps * Dots::kOutputs * Dots::kOwners;
  const int lane = static_cast<int>(threadIdx.x) & 31;
  pdl_launch_dependents();
  SuperBlockWalk<Dots, kAheadTiles, by_block> walk(a, shared, q);
  Epilogue epilogue(a.task);
  const int32_t* q_sums = a.task.q_sums;
  rows.template begin<by_block>(a, q, q + a.M * a.q_stride + unit_sums_bytes(a.M), epilogue, q_sums);
  if (a.resident) {
    rows.stage(a, q, 0, a.padded);
    __syncthreads();
  }
  constexpr int kSpanColumns = span_columns(Dots::Codes::kLayout);
  int turn = 0;
  for (int panel_set = static_cast<int>(blockIdx.x); panel_set < a.panel_sets;
       panel_set += static_cast<int>(gridDim.x)) {
    float sum[Dots::kOutputs] = {};
#pragma unroll 1
    for (int round = 0; round * a.chunk < a.steps; ++round) {
      int staged = 0;
      if (!a.resident) {
        staged = round * a.chunk * kStepColumns / kSpanColumns * kSpanColumns;
        const int end = min(a.padded, (round + 1) * a.chunk * kStepColumns);
        __syncthreads();
        rows.stage(a, q, staged, (end + kSpanColumns - 1) / kSpanColumns * kSpanColumns);
        __syncthreads();
      }
      walk.run(round, staged, {q_sums, epilogue.s, rows.ld_s(a)}, sum);
      if (a.k_warps_log2 == 0) continue;
      add_super_blocks<Dots>(a, walk, round, places + turn * kPlaces, sum);
      turn ^= 1;
    }
#pragma unroll
    for (int i = 0; i < Dots::kOutputs; ++i) {
      const int m = Dots::column(i, lane), n = walk.panel() * kPanelRows + Dots::row(i, lane);
      if (walk.leader() && Dots::owner(lane) && m < a.M && n < a.N) {
        by_block ? epilogue.finish_blocks(sum[i], a.groups > 0, m, n) : epilogue.finish_groups(sum[i], m, n);
      }
    }
    walk.next_panel();
  }
}

}  // namespace ternary::cuda

#endif  // TERNARY_CUDA_GEMV_GEMV_GROUPS_CUH_
