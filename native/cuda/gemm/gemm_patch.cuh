/**
 * @file gemm_patch.cuh
 * @brief What the GEMMs share: the shape of a CTA's part of Y, its place there and in K, and the launch.
 *
 * A span is the least number of columns that is whole tiles of W and whole lines of q: 128 of I2S, 320 of T5.
 * The order of columns is that of K whatever M, N and the shape of the patch.
 */
#ifndef TERNARY_CUDA_GEMM_GEMM_PATCH_CUH_
#define TERNARY_CUDA_GEMM_GEMM_PATCH_CUH_

#include "abi/cuda_kernel.h"
#include "cuda/device/decode.cuh"
#include "cuda/device/epilogue.cuh"
#include "cuda/device/pdl.cuh"
#include "cuda/device/variant.h"
#include "cuda/gemm/gemm_plan.h"

namespace ternary::cuda {

/** Rows of X and of Y that the rows of a patch are: those of the product. */
struct OwnRows {
  __device__ __forceinline__ int64_t x(int64_t m) const { return m; }
  __device__ __forceinline__ int64_t y(int64_t m) const { return m; }
};

/**
 * Shape of a CTA's part of Y: warps_n * panels * 16 rows of W by warps_m * eights * 8 rows of X; `depth` spans of both in
 * shared memory.
 */
template <CudaLayout layout_, int warps_n, int warps_m, int panels, int eights, int depth, int ctas_per_sm>
struct GemmPatch {
  using Rows = OwnRows;
  static constexpr bool kSplits = true;  ///< CTAs may share K
  static constexpr CudaLayout layout = layout_;
  static constexpr int kWarps = warps_n * warps_m, kWarpsM = warps_m, kPanels = panels, kEights = eights;
  static constexpr int kThreads = 32 * kWarps, kCtasPerSm = ctas_per_sm, kDepth = depth;
  static constexpr int kN = 16 * warps_n * panels, kM = 8 * warps_m * eights;
  static constexpr int kSteps = steps_of(layout);
  static constexpr int kTiles = layout == CudaLayout::t5 ? 2 : 1;
  static constexpr int kColumns = 32 * kSteps * kTiles;
  static constexpr int kLines = kColumns / 64;
};

/** Whether a patch has the shape that its row states. */
template <typename Patch>
constexpr bool has_shape(const CudaVariant& v) {
  return v.patch_n == Patch::kN && v.patch_m == Patch::kM && v.threads == Patch::kThreads &&
         v.ctas == Patch::kCtasPerSm && v.depth == Patch::kDepth && v.columns == Patch::kColumns;
}

/** States that a kernel, the last argument, is a variant of a row, and holds the row to its patch and shared memory. */
#define TERNARY_CUDA_GEMM_VARIANT(row, variant, Patch, span_bytes, ...)                                          \
  static_assert(has_shape<Patch>(variant_of(#row, #variant)), "kernels.inc says another patch");                 \
  static_assert(ring_bytes_of(#row, #variant) == Patch::kDepth * (span_bytes), "kernels.inc says another ring"); \
  static_assert(Patch::kDepth * (span_bytes) >= 4 * Patch::kN * Patch::kM, "a part lies in the ring");           \
  TERNARY_CUDA_VARIANT(row, variant, __VA_ARGS__)

/** Which patch a CTA is for, and its part of K: stretches first ... end, spans first_span ... first_span + spans. */
template <typename Patch>
struct GemmRange {
  static constexpr int kSpanSteps = Patch::kColumns / 32;
  int patch, rank, first, end, first_span, spans;

  __device__ GemmRange(const CudaGemmTask& t, const GemmSplit& split, uint32_t cta)
      : stretch_steps_(split.stretch_steps), all_steps_(static_cast<int>(ceil_div(t.K, Patch::kColumns)) * kSpanSteps) {
    patch = static_cast<int>(cta / static_cast<uint32_t>(split.splits));
    rank = static_cast<int>(cta) - patch * split.splits;
    first = split.first_stretch(rank);
    end = split.first_stretch(rank + 1);
    first_span = first * stretch_steps_ / kSpanSteps;
    spans = (min(end * stretch_steps_, all_steps_) + kSpanSteps - 1) / kSpanSteps - first_span;
  }

  /** Steps of 32 columns before the first stretch in the first span, and of a stretch. K's last has all that are left. */
  __device__ __forceinline__ int steps_before() const { return first * stretch_steps_ - first_span * kSpanSteps; }
  __device__ __forceinline__ int steps_of(int stretch) const {
    return min(stretch_steps_, all_steps_ - stretch * stretch_steps_);
  }

 private:
  int stretch_steps_, all_steps_;
};

/** Where a thread stands in a patch of Y. Patches are numbered along M first, so that neighbours share W. */
template <typename Patch>
struct GemmPlace {
  int lane, g, t;     ///< lane = 4 * g + t
  int64_t m0;         ///< first row of X of the patch
  int warp_m;         ///< first row of X of the warp, in the patch
  int64_t cta_panel;  ///< first panel of the patch
  int64_t panel;      ///< first panel of the warp
  typename Patch::Rows rows;

  __device__ GemmPlace(int64_t M, int patch, int thread, const typename Patch::Rows& which) : rows(which) {
    const int warp = thread / 32;
    const int patches_m = static_cast<int>(ceil_div(M, Patch::kM)), patch_n = patch / patches_m;
    lane = thread & 31;
    g = lane / 4;
    t = lane & 3;
    m0 = int64_t{patch - patch_n * patches_m} * Patch::kM;
    warp_m = warp % Patch::kWarpsM * Patch::kEights * 8;
    cta_panel = int64_t{patch_n} * (Patch::kN / 16);
    panel = cta_panel + warp / Patch::kWarpsM * Patch::kPanels;
  }

  /** Row of X and of W of sum i of the warp's panel p and eight j. */
  __device__ __forceinline__ int64_t m(int j, int i) const { return m0 + warp_m + 8 * j + 2 * t + (i & 1); }
  __device__ __forceinline__ int64_t n(int p, int i) const { return 16 * (panel + p) + g + 8 * (i / 2); }
};

/** Launches a kernel of `Patch` as it was planned. */
template <auto kKernel, typename Patch>
int launch_gemm(const CudaPlan& plan, const CudaLaunch& how, const CudaGemmTask& task) {
  const GemmSplit split = split_of(plan);
  return launch<kKernel>(how, dim3(static_cast<unsigned>(plan.grid)), dim3(Patch::kThreads), plan.shared_bytes,
                         split.cluster != 0 ? split.splits : 1, task, split);
}

/** The four registers of A of one panel, step by step through a tile: WordCodes or WordWeights. */
template <typename Word>
class PanelWords {
 public:
  __device__ __forceinline__ void begin(uint4 words) {
    words_[0] = Word(words.x);
    words_[1] = Word(words.y);
    words_[2] = Word(words.z);
    words_[3] = Word(words.w);
  }
  __device__ __forceinline__ void step(int d, uint32_t (&a)[4]) {
#pragma unroll
    for (int i = 0; i < 4; ++i) a[i] = words_[i].step(d);
  }

 private:
  Word words_[4];
};
template <CudaLayout layout>
using PanelCodes = PanelWords<WordCodes<layout>>;

}  // namespace ternary::cuda

#endif  // TERNARY_CUDA_GEMM_GEMM_PATCH_CUH_
