/**
 * @file gemv_groups.cuh
 * @brief Y = X * W^T for few rows of X and alpha by groups of K: the kernel, over the dot products of gemv_tile.cuh.
 *
 * fp32 sums have an order (numerics.md section 3.3): within a super-block one fma after the other, super-blocks
 * ascending. So a warp has whole super-blocks; warps of a panel take neighbouring ones, and the first of them adds
 * their sums in order. Where k_warps is 1 a warp goes through all of K, in chunks that may end anywhere.
 */
#ifndef TERNARY_CUDA_GEMV_GEMV_GROUPS_CUH_
#define TERNARY_CUDA_GEMV_GEMV_GROUPS_CUH_

#include "cuda/device/epilogue.cuh"
#include "cuda/gemv/gemv_rows.cuh"
#include "cuda/gemv/gemv_tile.cuh"

namespace ternary::cuda {

/** A warp's way through the super-blocks of one panel after another. */
template <class Dots>
class SuperBlockWalk {
 public:
  using Codes = typename Dots::Codes;
  static constexpr int kSpanTiles = span_tiles(Codes::kLayout), kSpanSteps = kSpanTiles * Codes::kSteps;
  static constexpr int kOutputs = Dots::kOutputs;

  __device__ explicit SuperBlockWalk(const GemvArgs& a, const void* shared_q)
      : a_(a), lane_(static_cast<int>(threadIdx.x) & 31) {
    const int warp = static_cast<int>(threadIdx.x) / 32;
    k_warp_ = warp & (a.k_warps() - 1);
    panel_ = static_cast<int>(blockIdx.x) * a.cta_panels() + (warp >> a.k_warps_log2);
    panel_step_ = static_cast<int>(gridDim.x) * a.cta_panels();
#pragma unroll
    for (int i = 0; i < Dots::kVectors; ++i) {
      row_[i] = shared_address(shared_q) + Dots::q_row(i, lane_, a.M) * a.q_stride + 16 * (lane_ & 3);
    }
    load_span(panel_, first_step(0), last_step(0));
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

  /**
   * Sums of this warp's steps of a round; q of them begins at column `staged` in shared memory. `q_sums` is [M,
   * groups].
   */
  __device__ void run(int round, int staged, const int32_t* q_sums, float (&sum)[kOutputs]) {
    const int first = first_step(round), end = last_step(round);
    if (panel_ >= a_.panels || first >= end) return;
    if (a_.k_warps_log2 != 0 || round == 0) start_super_block(first);
    dots_.clear();
    const int span_end = (end + kSpanSteps - 1) / kSpanSteps;
#pragma unroll 1
    for (int span = first / kSpanSteps; span < span_end; ++span) {
      uint4 now[kSpanTiles];
#pragma unroll
      for (int u = 0; u < kSpanTiles; ++u) now[u] = buffer_[u];
      if (span + 1 < span_end) {
        load_span(panel_, (span + 1) * kSpanSteps, end);
      } else {
        const bool same = first_step(round + 1) < a_.steps;
        const int next = same ? round + 1 : 0;
        load_span(same ? panel_ : panel_ + panel_step_, first_step(next), last_step(next));
      }
      add_span(now, span, first, end, staged, q_sums, sum);
    }
#pragma unroll
    for (int i = 0; i < kOutputs; ++i) held_[i] += dots_.fold(i);
  }

  __device__ void next_panel() { panel_ += panel_step_; }

 private:
  __device__ int super_block_steps() const { return a_.super_block_groups * a_.group_steps; }

  /**
   * Tiles of the span of `step`, but none without a step of step ... end: super-blocks of 2048 columns are 12.8 tiles
   * of T5, of which whole spans would read 14.4 and this reads 13.6.
   */
  __device__ void load_span(int panel, int step, int end) {
    if (panel >= a_.panels || step >= a_.steps) return;
    const int tile = step / kSpanSteps * kSpanTiles;
    const uint4* from = reinterpret_cast<const uint4*>(a_.task.w) +
                        (static_cast<int64_t>(panel) * a_.tiles + tile) * (kCudaTileBytes / 16) + lane_;
#pragma unroll
    for (int u = 0; u < kSpanTiles; ++u) {
      const int begins = (tile + u) * Codes::kSteps;
      if (begins < end && begins + Codes::kSteps > step) buffer_[u] = load_weights(from + u * (kCudaTileBytes / 16));
    }
  }

  __device__ void start_super_block(int step) {
    group_ = step / a_.group_steps;
    groups_left_ = a_.super_block_groups;
#pragma unroll
    for (int i = 0; i < kOutputs; ++i) super_block_sum_[i] = 0.0f, held_[i] = 0;
    start_group();
  }

  /** Its alphas are on their way while its sums are made. */
  __device__ void start_group() {
    steps_left_ = a_.group_steps;
    if (group_ >= a_.groups) return;
    const float* alpha = a_.task.alpha + (static_cast<int64_t>(panel_) * a_.groups + group_) * kPanelRows + lane_ / 4;
    alpha_[0] = alpha[0];
    alpha_[1] = alpha[8];
  }

  __device__ void end_group(const int32_t* q_sums, float (&sum)[kOutputs]) {
    const bool last = groups_left_ == 1 || group_ + 1 == a_.groups;
#pragma unroll
    for (int i = 0; i < kOutputs; ++i) {
      const int m = min(Dots::column(i, lane_), a_.M - 1);
      const int acc = Dots::finish(held_[i] + dots_.fold(i)) - q_sums[static_cast<int64_t>(m) * a_.groups + group_];
      super_block_sum_[i] = __fmaf_rn(__int2float_rn(acc), alpha_[Dots::row(i, 0) / 8], super_block_sum_[i]);
      held_[i] = 0;
      if (last && a_.k_warps_log2 == 0) {
        sum[i] = __fadd_rn(sum[i], super_block_sum_[i]);
        super_block_sum_[i] = 0.0f;
      }
    }
    dots_.clear();
    groups_left_ = last ? a_.super_block_groups : groups_left_ - 1;
    ++group_;
    start_group();
  }

  /**
   * The steps of a span that lie in first ... end, group by group. The code of a group's end is there once: inlined at
   * each of a span's ten steps, ptxas took more than ten minutes over a kernel.
   */
  __device__ void add_span(const uint4 (&now)[kSpanTiles], int span, int first, int end, int staged,
                           const int32_t* q_sums, float (&sum)[kOutputs]) {
    SharedAddress at[Dots::kVectors];
#pragma unroll
    for (int i = 0; i < Dots::kVectors; ++i) at[i] = row_[i] + span * (kSpanSteps * kStepColumns) - staged;
    const int base = span * kSpanSteps, stop = min(end - base, kSpanSteps);
    int step = max(first - base, 0);
#pragma unroll 1
    while (step < stop) {
      const int until = min(stop, step + steps_left_);
      uint4 q[Dots::kVectors];
#pragma unroll
      for (int u = 0; u < kSpanTiles; ++u) {
        Codes::decode(now[u], [&](int d, int set, uint4 operand, uint4 before) {
          const int in_span = u * Codes::kSteps + d;
          if (in_span % 2 == 0) load_q<Dots>(at, in_span / 2, q);
          if (in_span >= step && in_span < until) add_step(dots_, d, set, operand, before, in_span % 2, q);
        });
      }
      steps_left_ -= until - step;
      step = until;
      if (steps_left_ == 0 || base + step == a_.steps) end_group(q_sums, sum);
    }
  }

  const GemvArgs& a_;
  const int lane_;
  int k_warp_, panel_, panel_step_;
  SharedAddress row_[Dots::kVectors];  ///< of this lane's rows of q
  uint4 buffer_[kSpanTiles] = {};
  Dots dots_;
  int held_[kOutputs];               ///< of the current group, from earlier chunks
  float super_block_sum_[kOutputs];  ///< of the current super-block's groups so far
  float alpha_[2] = {};              ///< of the current group, rows g and g + 8
  int group_ = 0, groups_left_ = 0, steps_left_ = 0;
};

/** Adds the super-blocks of a round to the leader's sums, in their order. */
template <class Dots>
__device__ __forceinline__ void add_super_blocks(const GemvArgs& a, const SuperBlockWalk<Dots>& walk, int round,
                                                 float* places, float (&sum)[Dots::kOutputs]) {
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

template <class Dots, class Rows, int kCtas>
__global__ void __launch_bounds__(kGemvThreads, kCtas) gemv_groups_kernel(const GemvArgs a, const Rows rows) {
  extern __shared__ uint4 shared[];
  unsigned char* q = reinterpret_cast<unsigned char*>(shared);
  float* places = reinterpret_cast<float*>(q + a.M * a.q_stride);
  constexpr int kPlaces = kGemvWarps * Dots::kOutputs * Dots::kOwners;
  const int lane = static_cast<int>(threadIdx.x) & 31;
  pdl_launch_dependents();
  SuperBlockWalk<Dots> walk(a, q);
  Epilogue epilogue(a.task);
  const int32_t* q_sums = a.task.q_sums;
  rows.begin(a, q, reinterpret_cast<unsigned char*>(shared) + a.M * a.q_stride + group_sums_bytes(a.M), epilogue,
             q_sums);
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
      walk.run(round, staged, q_sums, sum);
      if (a.k_warps_log2 == 0) continue;
      add_super_blocks(a, walk, round, places + turn * kPlaces, sum);
      turn ^= 1;
    }
#pragma unroll
    for (int i = 0; i < Dots::kOutputs; ++i) {
      const int m = Dots::column(i, lane), n = walk.panel() * kPanelRows + Dots::row(i, lane);
      if (walk.leader() && Dots::owner(lane) && m < a.M && n < a.N) epilogue.finish_groups(sum[i], m, n);
    }
    walk.next_panel();
  }
}

}  // namespace ternary::cuda

#endif  // TERNARY_CUDA_GEMV_GEMV_GROUPS_CUH_
