/**
 * @file gemm_ring.cuh
 * @brief A ring of spans in shared memory, filled by cp.async: W's tiles and rows of X, as far ahead as it is deep.
 *
 * W is copied rather than loaded to registers. A copy stays before pdl_wait(), where ptxas moved loads behind it, and
 * what is on its way costs no registers. Warps along M share one copy.
 */
#ifndef TERNARY_CUDA_GEMM_GEMM_RING_CUH_
#define TERNARY_CUDA_GEMM_GEMM_RING_CUH_

#include "cuda/device/async_copy.cuh"
#include "cuda/device/pdl.cuh"
#include "cuda/gemm/gemm_patch.cuh"

namespace ternary::cuda {

/** Copies the tiles of the CTA's panels as they lie in memory, so that a warp reads its own without bank conflicts. */
template <typename Patch>
class TileCopies {
 public:
  static constexpr int kSpanBytes = Patch::kN / 16 * Patch::kTiles * static_cast<int>(kCudaTileBytes);

  /** Panels beyond N are read as the last one. */
  __device__ TileCopies(const CudaGemmTask& task, const GemmPlace<Patch>& place, int first_span) {
    const int warp = static_cast<int>(threadIdx.x) / 32;
    const int tiles = static_cast<int>(ceil_div(task.K, cuda_tile_columns(Patch::layout)));
    const int64_t last = ceil_div(task.N, 16) - 1;
    const int tile = first_span * Patch::kTiles + warp % Patch::kTiles;
    left_ = tiles - tile;
#pragma unroll
    for (int c = 0; c < kCopies; ++c) {
      const int64_t panel = min(place.cta_panel + (warp + c * Patch::kWarps) / Patch::kTiles, last);
      source_[c] = task.w + (panel * tiles + tile) * kCudaTileBytes + 16 * place.lane;
    }
    write_ = 16 * static_cast<int>(threadIdx.x);
    read_ = static_cast<int>(place.panel - place.cta_panel) * Patch::kTiles * static_cast<int>(kCudaTileBytes) +
            16 * place.lane;
  }

  /** Begins to copy the next span. Zeros beyond the last tile: there X is zero, so any code will do. */
  __device__ __forceinline__ void fetch(char* span) {
#pragma unroll
    for (int c = 0; c < kCopies; ++c) {
      if (kSpanTiles % Patch::kWarps == 0 || static_cast<int>(threadIdx.x) / 32 + c * Patch::kWarps < kSpanTiles) {
        copy_async(span + write_ + c * Patch::kThreads * 16, source_[c], left_ > 0);
      }
      source_[c] += Patch::kTiles * kCudaTileBytes;
    }
    left_ -= Patch::kTiles;
  }

  /** This lane's words of a tile of the warp's panel p. */
  __device__ __forceinline__ uint4 words(const char* span, int p, int tile) const {
    return *reinterpret_cast<const uint4*>(span + read_ + (p * Patch::kTiles + tile) * kCudaTileBytes);
  }

 private:
  static constexpr int kSpanTiles = Patch::kN / 16 * Patch::kTiles;
  static constexpr int kCopies = (kSpanTiles + Patch::kWarps - 1) / Patch::kWarps;
  static_assert(Patch::kWarps % Patch::kTiles == 0, "a warp copies first tiles of spans, or second ones");

  const uint8_t* source_[kCopies];
  int write_, read_, left_;
};

/** The ring: X's part of a span, and then W's. What is on its way before pdl_wait() is W's alone. */
template <typename Patch, typename X, typename W>
class SpanRing {
 public:
  static constexpr int kSpanBytes = X::kSpanBytes + W::kSpanBytes;

  __device__ __forceinline__ SpanRing(void* memory, int spans, X& x, W& w)
      : memory_(static_cast<char*>(memory)), left_(spans), x_copies_(x), w_copies_(w) {
#pragma unroll
    for (int span = 0; span < kAhead; ++span) {
      if (span < spans) w.fetch(memory_ + span * kSpanBytes + X::kSpanBytes);
    }
    pdl_wait();
#pragma unroll
    for (int span = 0; span < kAhead; ++span) {
      if (span < spans) x.fetch(memory_ + span * kSpanBytes);
      commit_copies();
    }
  }

  /** Moves on to the next span, at first to the first; one further span is on its way then. */
  __device__ __forceinline__ void advance() {
    wait_copies<kAhead - 1>();
    __syncthreads();  // everyone's copies have landed, and everyone has left the span that is fetched now
    if (left_ > kAhead) {
      w_copies_.fetch(memory_ + at_ + X::kSpanBytes);
      x_copies_.fetch(memory_ + at_);
    }
    commit_copies();
    --left_;
    at_ = at_ == kAhead * kSpanBytes ? 0 : at_ + kSpanBytes;
  }

  /** Of the span that was advanced to. */
  __device__ __forceinline__ const char* x() const { return memory_ + at_; }
  __device__ __forceinline__ const char* w() const { return memory_ + at_ + X::kSpanBytes; }

 private:
  static constexpr int kAhead = Patch::kDepth - 1;

  char* memory_;
  int left_, at_ = kAhead * kSpanBytes;  // the span before the first is the last place
  X& x_copies_;
  W& w_copies_;
};

}  // namespace ternary::cuda

#endif  // TERNARY_CUDA_GEMM_GEMM_RING_CUH_
