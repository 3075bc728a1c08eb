/**
 * @file gemm_patch.cuh
 * @brief What the GEMMs share: tiles of W streamed by lane from device memory, rows of X through a ring of cp.async
 * copies.
 *
 * A span is the least number of columns that is whole tiles of W and whole lines of q: 128 of I2S, 320 of T5.
 * The order of columns is that of K whatever M, N and the shape of the patch.
 */
#ifndef TERNARY_CUDA_GEMM_GEMM_PATCH_CUH_
#define TERNARY_CUDA_GEMM_GEMM_PATCH_CUH_

#include "abi/cuda_kernel.h"
#include "cuda/device/async_copy.cuh"
#include "cuda/device/decode.cuh"
#include "cuda/device/epilogue.cuh"
#include "cuda/device/variant.h"

namespace ternary::cuda {

/**
 * Shape of a CTA's part of Y: warps_n * panels * 16 rows of W by warps_m * eights * 8 rows of X; `depth` spans of X in
 * shared memory, `ahead` spans of W in registers besides the one in use.
 */
template <CudaLayout layout_, int warps_n, int warps_m, int panels, int eights, int depth, int ahead, int ctas_per_sm>
struct GemmPatch {
  static constexpr CudaLayout layout = layout_;
  static constexpr int kWarpsM = warps_m, kPanels = panels, kEights = eights, kDepth = depth, kAhead = ahead;
  static constexpr int kThreads = 32 * warps_n * warps_m, kCtasPerSm = ctas_per_sm;
  static constexpr int kN = 16 * warps_n * panels, kM = 8 * warps_m * eights;
  static constexpr int kSteps = steps_of(layout);
  static constexpr int kTiles = layout == CudaLayout::t5 ? 2 : 1;
  static constexpr int kColumns = 32 * kSteps * kTiles;
  static constexpr int kLines = kColumns / 64;
};

/** Whether a patch has the shape that its row states. */
template <typename Patch>
constexpr bool has_shape(const CudaVariant& v) {
  const int ahead = Patch::layout == CudaLayout::dense ? Patch::kDepth - 1 : Patch::kAhead;
  return v.patch_n == Patch::kN && v.patch_m == Patch::kM && v.threads == Patch::kThreads &&
         v.ctas == Patch::kCtasPerSm && v.depth == Patch::kDepth && v.ahead == ahead && v.columns == Patch::kColumns;
}

/** States that a kernel, the last argument, is a variant of a row, and holds the row to its patch and shared memory. */
#define TERNARY_CUDA_GEMM_VARIANT(row, variant, Patch, shared_bytes, ...)                        \
  static_assert(has_shape<Patch>(variant_of(#row, #variant)), "kernels.inc says another patch"); \
  static_assert(ring_bytes_of(#row, #variant) == shared_bytes, "kernels.inc says another ring"); \
  TERNARY_CUDA_VARIANT(row, variant, __VA_ARGS__)

/** Where a thread stands in the CTA's part of Y. A CTA is a number along M first, so that neighbours share W. */
template <typename Patch>
struct GemmPlace {
  int lane, g, t;  ///< lane = 4 * g + t
  int64_t m0;      ///< first row of X of the CTA
  int warp_m;      ///< first row of X of the warp, in the CTA
  int64_t panel;   ///< first panel of the warp

  __device__ explicit GemmPlace(int64_t M) {
    const int warp = static_cast<int>(threadIdx.x) / 32;
    const uint32_t patches_m = static_cast<uint32_t>(ceil_div(M, Patch::kM));
    const uint32_t patch_n = blockIdx.x / patches_m;
    lane = threadIdx.x & 31;
    g = lane / 4;
    t = lane & 3;
    m0 = int64_t{blockIdx.x - patch_n * patches_m} * Patch::kM;
    warp_m = warp % Patch::kWarpsM * Patch::kEights * 8;
    panel = int64_t{patch_n} * (Patch::kN / 16) + warp / Patch::kWarpsM * Patch::kPanels;
  }
};

/** What a grid may have along x. */
inline constexpr int64_t kMostCtas = (int64_t{1} << 31) - 1;

/** A CTA a patch of Y, none of which shares K, with a ring of `shared_bytes`. */
template <typename Patch>
Reason plan_gemm(const CudaProblem& problem, int64_t shared_bytes, CudaPlan* plan) {
  *plan = {};
  plan->shared_bytes = shared_bytes;
  plan->splits = 1;
  const int64_t ctas = ceil_div(problem.M, Patch::kM) * ceil_div(problem.N, Patch::kN);
  plan->grid = static_cast<int32_t>(ctas);
  if (ctas > kMostCtas) return Reason::m_range;
  return shared_bytes > problem.shared_bytes ? Reason::shared_memory : Reason::none;
}

/** Launches a kernel of `Patch` as it was planned. */
template <auto kKernel, typename Patch>
int launch_gemm(const CudaPlan& plan, const CudaLaunch& how, const CudaGemmTask& task) {
  return launch<kKernel>(how, dim3(static_cast<unsigned>(plan.grid)), dim3(Patch::kThreads), plan.shared_bytes, 1,
                         task);
}

/** This lane's words of the warp's panels, span after span. Panels beyond N are read as the last one. */
template <typename Patch>
class WeightStream {
 public:
  __device__ WeightStream(const CudaGemmTask& task, const GemmPlace<Patch>& place) {
    tiles_ = static_cast<int>(ceil_div(task.K, cuda_tile_columns(Patch::layout)));
    const int64_t last = ceil_div(task.N, 16) - 1;
#pragma unroll
    for (int p = 0; p < Patch::kPanels; ++p) {
      const int64_t panel = place.panel + p < last ? place.panel + p : last;
      next_[p] = reinterpret_cast<const uint4*>(task.w + panel * tiles_ * kCudaTileBytes) + place.lane;
    }
#pragma unroll
    for (int s = 0; s < Patch::kAhead; ++s) fetch(s);
  }

  /** Moves on by a span: its words are in words(), and one further span is on its way. */
  __device__ void advance() {
#pragma unroll
    for (int p = 0; p < Patch::kPanels; ++p) {
#pragma unroll
      for (int i = 0; i < Patch::kTiles; ++i) {
        words_[p][i] = ring_[0][p][i];
#pragma unroll
        for (int s = 0; s + 1 < Patch::kAhead; ++s) ring_[s][p][i] = ring_[s + 1][p][i];
      }
    }
    fetch(Patch::kAhead - 1);
  }

  __device__ __forceinline__ uint4 words(int p, int tile) const { return words_[p][tile]; }

 private:
  /** Zeros beyond the last tile: there q is zero, so any code will do. */
  __device__ void fetch(int place) {
#pragma unroll
    for (int i = 0; i < Patch::kTiles; ++i) {
#pragma unroll
      for (int p = 0; p < Patch::kPanels; ++p) {
        ring_[place][p][i] = tile_ + i < tiles_ ? __ldg(next_[p] + i * (kCudaTileBytes / 16)) : uint4{0, 0, 0, 0};
      }
    }
#pragma unroll
    for (int p = 0; p < Patch::kPanels; ++p) next_[p] += Patch::kTiles * (kCudaTileBytes / 16);
    tile_ += Patch::kTiles;
  }

  const uint4* next_[Patch::kPanels];
  uint4 ring_[Patch::kAhead][Patch::kPanels][Patch::kTiles];
  uint4 words_[Patch::kPanels][Patch::kTiles];
  int tile_ = 0, tiles_;
};

/** The four registers of A of one panel, step by step through a tile. */
template <CudaLayout layout>
class PanelCodes {
 public:
  __device__ __forceinline__ void begin(uint4 words) {
    words_[0] = WordCodes<layout>(words.x);
    words_[1] = WordCodes<layout>(words.y);
    words_[2] = WordCodes<layout>(words.z);
    words_[3] = WordCodes<layout>(words.w);
  }
  __device__ __forceinline__ void step(int d, uint32_t (&a)[4]) {
#pragma unroll
    for (int i = 0; i < 4; ++i) a[i] = words_[i].step(d);
  }

 private:
  WordCodes<layout> words_[4];
};

/** Every output of the warp that is in Y, by its sums. */
template <typename Patch, typename Sums>
__device__ void store_sums(const CudaGemmTask& t, const GemmPlace<Patch>& place, Sums& sums) {
  const Epilogue out(t);
#pragma unroll
  for (int p = 0; p < Patch::kPanels; ++p) {
#pragma unroll
    for (int j = 0; j < Patch::kEights; ++j) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const int64_t m = place.m0 + place.warp_m + 8 * j + 2 * place.t + (i & 1);
        const int64_t n = 16 * (place.panel + p) + place.g + 8 * (i / 2);
        if (m < t.M && n < t.N) sums.store(t, out, p, j, i, m, n);
      }
    }
  }
}

}  // namespace ternary::cuda

#endif  // TERNARY_CUDA_GEMM_GEMM_PATCH_CUH_
