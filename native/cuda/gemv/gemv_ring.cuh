/**
 * @file gemv_ring.cuh
 * @brief W of a warp where K has units: a ring of spans in shared memory, so that what is on its way costs no registers.
 */
#ifndef TERNARY_CUDA_GEMV_GEMV_RING_CUH_
#define TERNARY_CUDA_GEMV_GEMV_RING_CUH_

#include "cuda/gemv/gemv_rows.cuh"
#include "cuda/gemv/gemv_tile.cuh"

namespace ternary::cuda {

/** Which steps of K a warp has: k_warps super-blocks are a round, or a chunk of a lone warp. */
class WarpRounds {
 public:
  __device__ WarpRounds(const GemvArgs& a, int k_warp) : a_(a), first_(k_warp * a.super_block_units * a.unit_steps) {}

  __device__ __forceinline__ int first_step(int round) const { return round * a_.chunk + first_; }
  /** Behind its last step of a round. */
  __device__ __forceinline__ int last_step(int round) const {
    return min(a_.steps, first_step(round) + (a_.k_warps_log2 == 0 ? a_.chunk : a_.super_block_units * a_.unit_steps));
  }

 private:
  const GemvArgs& a_;
  int first_;
};

/**
 * Copies the tiles of a warp's rounds, panel after panel, as far ahead as the ring is deep. A lane copies and reads its own
 * 16 bytes of each tile: no warp waits for another.
 */
template <class Codes, int kAheadTiles>
class TileRing {
 public:
  static constexpr int kSpanTiles = span_tiles(Codes::kLayout), kSpanSteps = kSpanTiles * Codes::kSteps;

  __device__ TileRing(const GemvArgs& a, const WarpRounds& rounds, const void* memory, int panel, int panel_step)
      : a_(a), rounds_(rounds), next_panel_(panel), panel_step_(panel_step) {
    const int warp = static_cast<int>(threadIdx.x) / 32, lane = static_cast<int>(threadIdx.x) & 31;
    memory_ = shared_address(memory) + warp * kRingBytes + 16 * lane;
    at_ = memory_ + kAhead * kSpanBytes;
    begin_round(0);
#pragma unroll
    for (int i = 0; i < kAhead; ++i) copy_next(memory_ + i * kSpanBytes);
  }

  /** To the next span, whose tiles with steps first ... end it gives; one further span is on its way then. */
  __device__ __forceinline__ void advance(int span, int first, int end, uint4 (&tiles)[kSpanTiles]) {
    const SharedAddress used = next_place();
#pragma unroll
    for (int u = 0; u < kSpanTiles; ++u) {
      tiles[u] = has_step(span * kSpanTiles + u, first, end) ? load_shared(at_ + u * kTileBytes) : uint4{};
    }
    copy_next(used);
  }

  /** How many spans may come by advance_inside(): the last of a round is followed by end_inside(). */
  __device__ __forceinline__ int spans_inside() const {
    return next_panel_ < a_.panels ? (next_end_ + kSpanSteps - 1) / kSpanSteps - next_step_ / kSpanSteps : 1 << 24;
  }
  /** advance() by a span of one tile while those that are copied stay in their round. */
  __device__ __forceinline__ uint4 advance_inside() {
    const SharedAddress used = next_place();
    const uint4 tile = load_shared(at_);
    if (next_panel_ < a_.panels) copy_weights(used, from_);
    end_batch();
    from_ += kSpanBytes;
    return tile;
  }
  __device__ __forceinline__ void end_inside(int spans) {
    next_step_ += spans * kSpanSteps;
    if (next_panel_ < a_.panels && next_step_ >= next_end_) begin_round(next_round_ + 1);
  }

 private:
  static constexpr int kTileBytes = static_cast<int>(kCudaTileBytes), kSpanBytes = kSpanTiles * kTileBytes;
  static constexpr int kAhead = kAheadTiles / kSpanTiles, kRingBytes = (kAhead + 1) * kSpanBytes;

  /** Waits for the next span, whose place becomes at_; that of the span before, which is used up. */
  __device__ __forceinline__ SharedAddress next_place() {
    wait_batches<kAhead - 1>();
    const SharedAddress used = at_;
    at_ = used == memory_ + kAhead * kSpanBytes ? memory_ : used + kSpanBytes;
    return used;
  }

  /** Whether a tile has one of the steps first ... end; of a span that has, one of one tile does. */
  static __device__ bool has_step(int tile, int first, int end) {
    const int begins = tile * Codes::kSteps;
    return kSpanTiles == 1 || (begins < end && begins + Codes::kSteps > first);
  }

  /** To the spans of a round of the panel that is copied, or to those of the next. */
  __device__ void begin_round(int round) {
    if (rounds_.first_step(round) >= a_.steps) {
      round = 0;
      next_panel_ += panel_step_;
      if (rounds_.first_step(0) >= a_.steps) next_panel_ = a_.panels;  // a warp without work
    }
    next_round_ = round;
    next_step_ = rounds_.first_step(round);
    next_end_ = rounds_.last_step(round);
    const int tile = next_step_ / kSpanSteps * kSpanTiles, lane = static_cast<int>(threadIdx.x) & 31;
    from_ = a_.task.w + (static_cast<int64_t>(next_panel_) * a_.tiles + tile) * kCudaTileBytes + 16 * lane;
  }

  /**
   * Begins to copy the next span, but no tile without a step of the round: super-blocks of 2048 columns are 12.8 tiles of
   * T5, of which whole spans would read 14.4 and this reads 13.6. A batch in any case.
   */
  __device__ void copy_next(SharedAddress place) {
    if (next_panel_ < a_.panels) {
      const int tile = next_step_ / kSpanSteps * kSpanTiles;
#pragma unroll
      for (int u = 0; u < kSpanTiles; ++u) {
        if (has_step(tile + u, next_step_, next_end_)) copy_weights(place + u * kTileBytes, from_ + u * kTileBytes);
      }
      from_ += kSpanBytes;
      next_step_ = (next_step_ / kSpanSteps + 1) * kSpanSteps;
      if (next_step_ >= next_end_) begin_round(next_round_ + 1);
    }
    end_batch();
  }

  const GemvArgs& a_;
  const WarpRounds rounds_;
  int next_panel_, panel_step_, next_round_, next_step_, next_end_;  ///< where the next span is copied from
  const uint8_t* from_;                                              ///< this lane's part of that
  SharedAddress memory_, at_;                                        ///< of the span that is multiplied
};

}  // namespace ternary::cuda

#endif  // TERNARY_CUDA_GEMV_GEMV_RING_CUH_
