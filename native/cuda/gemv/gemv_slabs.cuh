/**
 * @file gemv_slabs.cuh
 * @brief Y = X * W^T for few rows of X and one alpha a row of W: the kernel, over the dot products of gemv_tile.cuh.
 *
 * A CTA of eight warps stays and takes panel sets until there are no more, with q in shared memory. A warp goes through
 * the slabs of its part of K with the next slab already on its way into the registers that this one frees, so it always
 * has one in flight; the first are asked for before the wait for the previous kernel.
 */
#ifndef TERNARY_CUDA_GEMV_GEMV_SLABS_CUH_
#define TERNARY_CUDA_GEMV_GEMV_SLABS_CUH_

#include "cuda/gemv/gemv_split.cuh"
#include "cuda/gemv/gemv_tile.cuh"

namespace ternary::cuda {

inline constexpr int kTileVectors = static_cast<int>(kCudaTileBytes / 16);

/** This lane's part of the first tile of a slab. */
template <int kSlabTiles>
__device__ __forceinline__ const uint4* slab_weights(const GemvArgs& a, int panel, int slab) {
  const uint4* tile = reinterpret_cast<const uint4*>(a.task.w) +
                      (static_cast<int64_t>(panel) * a.tiles + slab * kSlabTiles) * kTileVectors;
  return tile + (threadIdx.x & 31);
}

/** Tiles of a slab that there are: of those before `end` of a panel that exists. */
template <int kSlabTiles>
__device__ __forceinline__ int present_tiles(const GemvArgs& a, int panel, int slab, int end) {
  return panel < a.panels && slab < end ? min(a.tiles - slab * kSlabTiles, kSlabTiles) : 0;
}

template <int kSlabTiles>
__device__ __forceinline__ void load_slab(const uint4* from, int present, uint4 (&buffer)[kSlabTiles]) {
#pragma unroll
  for (int u = 0; u < kSlabTiles; ++u) {
    if (u < present) buffer[u] = load_weights(from + u * kTileVectors);
  }
}

/** Adds tile u of a slab, whose q begins at `at`. Tiles of T5 are two and a half lines of q: `q` stays between them. */
template <class Dots>
__device__ __forceinline__ void add_tile(Dots& dots, uint4 w, int u, const SharedAddress (&at)[Dots::kVectors],
                                         uint4 (&q)[Dots::kVectors]) {
  Dots::Codes::decode(w, [&](int d, int set, uint4 operand, uint4 before) {
    const int step = u * Dots::Codes::kSteps + d;
    if (step % 2 == 0) load_q<Dots>(at, step / 2, q);
    add_step(dots, d, set, operand, before, step % 2, q);
  });
}

/** A warp's way through the slabs of one panel after another. */
template <class Dots, int kSlabTiles>
class SlabWalk {
 public:
  static constexpr int kSlabColumns = kSlabTiles * static_cast<int>(cuda_tile_columns(Dots::Codes::kLayout));

  __device__ SlabWalk(const GemvArgs& a, const void* shared_q) : a_(a) {
    const int warp = static_cast<int>(threadIdx.x) / 32, split = static_cast<int>(blockIdx.x) % a.splits;
    begin_ = static_cast<int>(static_cast<int64_t>(a.slabs) * split / a.splits);
    end_ = static_cast<int>(static_cast<int64_t>(a.slabs) * (split + 1) / a.splits);
    first_ = begin_ + (warp & (a.k_warps() - 1));
    panel_ = static_cast<int>(blockIdx.x) / a.splits * a.cta_panels() + (warp >> a.k_warps_log2);
    panel_step_ = static_cast<int>(gridDim.x) / a.splits * a.cta_panels();
    q_ = shared_address(shared_q) + 16 * (static_cast<int>(threadIdx.x) & 3);
    load_slab<kSlabTiles>(slab_weights<kSlabTiles>(a_, panel_, first_),
                          present_tiles<kSlabTiles>(a_, panel_, first_, end_), buffer_);
    start_panel();
  }

  __device__ int begin() const { return begin_; }
  __device__ int end() const { return end_; }

  /** To this warp's slabs of the current panel; their first is on its way. */
  __device__ void start_panel() { slab_ = panel_ < a_.panels ? first_ : end_; }

  /** Adds this warp's slabs before chunk_end of a chunk of q that begins at slab `chunk`. */
  __device__ void run(Dots& dots, int chunk, int chunk_end) {
    SharedAddress at[Dots::kVectors];
#pragma unroll
    for (int i = 0; i < Dots::kVectors; ++i) {  // made anew: four rows of dp4a have no registers to keep them in
      const int row = Dots::q_row(i, static_cast<int>(threadIdx.x) & 31, a_.M);
      at[i] = q_ + row * a_.q_stride + (slab_ - chunk) * kSlabColumns;
    }
    // The steady loop: the slab after this one is there and whole.
    const int steady_end = min(chunk_end, min(end_, a_.tiles / kSlabTiles) - a_.k_warps());
    const uint4* next = slab_weights<kSlabTiles>(a_, panel_, slab_ + a_.k_warps());
    const uint32_t weights_step = a_.k_warps() * kSlabTiles * kTileVectors;
    const int q_step = a_.k_warps() * kSlabColumns;
    uint4 q[Dots::kVectors];
#pragma unroll 1
    for (; slab_ < steady_end; slab_ += a_.k_warps()) {
#pragma unroll
      for (int u = 0; u < kSlabTiles; ++u) {
        add_tile(dots, buffer_[u], u, at, q);
        buffer_[u] = load_weights(next + u * kTileVectors);
      }
      next += weights_step;
#pragma unroll
      for (int i = 0; i < Dots::kVectors; ++i) at[i] += q_step;
    }
#pragma unroll 1
    for (; slab_ < chunk_end; slab_ += a_.k_warps()) {
      last_slab(dots, at);
#pragma unroll
      for (int i = 0; i < Dots::kVectors; ++i) at[i] += q_step;
    }
  }

  __device__ void next_panel() {
    panel_ += panel_step_;
    start_panel();
  }

 private:
  /** A slab that may lack tiles, and the next: what is left of this panel, or the first of the next panel. */
  __device__ void last_slab(Dots& dots, const SharedAddress (&at)[Dots::kVectors]) {
    const int present = present_tiles<kSlabTiles>(a_, panel_, slab_, end_);
    const bool same = slab_ + a_.k_warps() < end_;
    const int panel = same ? panel_ : panel_ + panel_step_, slab = same ? slab_ + a_.k_warps() : first_;
    const int next_present = present_tiles<kSlabTiles>(a_, panel, slab, end_);
    const uint4* next = slab_weights<kSlabTiles>(a_, panel, slab);
    uint4 q[Dots::kVectors] = {};
#pragma unroll
    for (int u = 0; u < kSlabTiles; ++u) {
      if (u < present) add_tile(dots, buffer_[u], u, at, q);
      if (u < next_present) buffer_[u] = load_weights(next + u * kTileVectors);
    }
  }

  const GemvArgs& a_;
  int begin_, end_, first_, panel_, panel_step_, slab_;
  SharedAddress q_;  ///< of this lane's columns of the first row of q
  uint4 buffer_[kSlabTiles] = {};
};

template <class Dots, class Rows, int kCtas, int kSlabTiles>
__global__ void __launch_bounds__(kGemvThreads, kCtas) gemv_slabs_kernel(const GemvArgs a, const Rows rows) {
  extern __shared__ uint4 shared[];
  unsigned char* q = reinterpret_cast<unsigned char*>(shared);
  int* sums = reinterpret_cast<int*>(q + a.M * a.q_stride);
  const int sums_count = kGemvWarps * sums_of_warp(a.M);
  const int lane = static_cast<int>(threadIdx.x) & 31, warp = static_cast<int>(threadIdx.x) / 32;
  pdl_launch_dependents();
  SlabWalk<Dots, kSlabTiles> walk(a, q);
  Epilogue epilogue(a.task);
  const int32_t* q_sums = a.task.q_sums;
  __shared__ float alphas[kGemvThreads];
  const auto copy_alpha = [&](int panel_set) {
    const GemvOutput o(a, panel_set, thread_here());
    if (o.n < a.N && o.m < a.M) copy_4(alphas + thread_here(), a.task.alpha + o.n);
  };
  copy_alpha(static_cast<int>(blockIdx.x) / a.splits);
  rows.template begin<false>(a, q, reinterpret_cast<unsigned char*>(sums + 2 * sums_count), epilogue, q_sums);
  if (a.resident) {
    rows.stage(a, q, walk.begin() * walk.kSlabColumns, walk.end() * walk.kSlabColumns);
    __syncthreads();
  }
  int turn = 0;
  const int set_step = static_cast<int>(gridDim.x) / a.splits;
  for (int panel_set = static_cast<int>(blockIdx.x) / a.splits; panel_set < a.panel_sets; panel_set += set_step) {
    int* turn_sums = sums + turn * sums_count;
#pragma unroll 1
    for (int chunk = walk.begin(); chunk < walk.end(); chunk += a.chunk) {
      const int chunk_end = min(chunk + a.chunk, walk.end());
      if (!a.resident) {
        __syncthreads();
        rows.stage(a, q, chunk * walk.kSlabColumns, chunk_end * walk.kSlabColumns);
        __syncthreads();
      }
      Dots dots;
      dots.clear();
      walk.run(dots, chunk, chunk_end);
#pragma unroll
      for (int i = 0; i < Dots::kOutputs; ++i) {  // totals in registers would spill four rows of dp4a
        const int sum = Dots::finish(dots.fold(i)), m = Dots::column(i, lane);
        if (!Dots::owner(lane) || m >= a.M) continue;
        int* place = sum_place(a, turn_sums, warp, m, Dots::row(i, lane));
        *place = chunk == walk.begin() ? sum : *place + sum;
      }
    }
    __syncthreads();
    wait_copies();
    end_panel_set(a, turn_sums, {epilogue, q_sums, panel_set, alphas});
    copy_alpha(panel_set + set_step);
    walk.next_panel();
    turn ^= 1;
  }
}

}  // namespace ternary::cuda

#endif  // TERNARY_CUDA_GEMV_GEMV_SLABS_CUH_
