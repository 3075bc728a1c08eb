/**
 * @file gemv_plan.h
 * @brief How a product of few rows is shared out: warps and CTAs over rows of W and over K, q in shared memory.
 *
 * The plan answers dispatch and fills the launch, so they cannot disagree. Work is counted in panels (16 rows of W),
 * tiles (512 bytes) and slabs (tiles of a panel, as many as a warp has on their way).
 */
#ifndef TERNARY_CUDA_GEMV_GEMV_PLAN_H_
#define TERNARY_CUDA_GEMV_GEMV_PLAN_H_

#include <cstdint>
#include <cstring>

#include "abi/cuda_kernel.h"
#include "abi/cuda_rows.h"
#include "cuda/device/arch.h"

namespace ternary::cuda {

inline constexpr int kGemvThreads = 32 * kGemvWarps;
inline constexpr int kPanelRows = 16;
/** Columns of a step: one mma, or the four bytes of a lane's registers b0 and b1. */
inline constexpr int kStepColumns = 32;
inline constexpr int kMostSplits = 64;

/**
 * Tiles that a warp has on its way where two CTAs share an SM: 64 KB of one, of which H200 needs 36 and B200 61 to have
 * 1.5 times what latency and bandwidth ask for. A100 and RTX 4090 need 17 and have 32: with six tiles K of 4096, which
 * has 32 tiles, shares out badly, and ptxas spills a few words of kernels with eight.
 */
inline constexpr int kTilesOfTwoCtas = arch_number(TERNARY_CUDA_ARCH) >= 90 ? 8 : 4;

/** What a kernel asks of a plan. */
struct GemvKind {
  CudaLayout layout;
  bool fused;       ///< q of the whole row is made in shared memory
  int ctas_per_sm;  ///< what its registers allow: how many CTAs stay to take panel sets, no more
  int slab_tiles;   ///< what a warp has on its way, without units
  int unit_tiles;   ///< the same with units
};

/** What a launch of the kernel reads of its plan (CudaPlan::own). */
struct GemvShare {
  int32_t tiles, slabs, panels;  ///< slabs and tiles of one panel
  int32_t k_warps;               ///< warps of a CTA that share K of a panel: 1, 2, 4 or 8
  int32_t cluster;               ///< splits, where those CTAs are a cluster, else 1
  int32_t panel_sets;            ///< of kGemvWarps / k_warps panels
  int32_t chunk;                 ///< slabs (no units) or steps (units) of q in shared memory at a time
  int32_t resident;              ///< 1: that is all of it
  int32_t q_stride;              ///< bytes between rows of q in shared memory
  int32_t scratch_columns;       ///< fused: values of a row in shared memory while it is quantised
};
static_assert(sizeof(GemvShare) <= sizeof CudaPlan::own);

inline GemvShare share_of(const CudaPlan& plan) {
  GemvShare share;
  std::memcpy(&share, plan.own, sizeof share);
  return share;
}

/** Of a span, the fewest columns that are whole tiles and whole lines: what q is staged by. */
inline constexpr int span_tiles(CudaLayout layout) { return layout == CudaLayout::t5 ? 2 : 1; }
inline constexpr int span_columns(CudaLayout layout) {
  return span_tiles(layout) * static_cast<int>(cuda_tile_columns(layout));
}

/** With units: the ring of spans of all warps, those on their way and the one in use, in shared memory. */
inline constexpr int64_t unit_ring_bytes(CudaLayout layout, int unit_tiles) {
  return kGemvWarps * (unit_tiles + span_tiles(layout)) * kCudaTileBytes;
}

/** The line of row g must not lie on the banks of that of row g + 1: eight lanes read 64 bytes of each. */
inline constexpr int q_stride(int columns) { return static_cast<int>(round_up(columns, 128)) + 64; }

/** Sums that a warp leaves of its panel: two rows of X share 128 bytes, see sum_place(). */
template <typename Integer>
constexpr Integer sums_of_warp(Integer M) {
  return static_cast<Integer>(kPanelRows) * ((M + 1) & ~Integer{1});
}
/** Shared memory besides q: sums of warps, twice, so that one barrier a panel is enough. */
inline constexpr int64_t sums_bytes(int64_t M) { return 2 * kGemvWarps * 4 * sums_of_warp(M); }
/** The same with units: fragments of whole warps, with columns of X that M does not fill. */
inline constexpr int64_t unit_sums_bytes(int64_t M) { return sums_bytes(round_up(M, 8)); }

/** What a fused kernel keeps in shared memory besides q and sums: s, sums of q, partials and maxima of a row. */
inline constexpr int64_t fused_bytes(int64_t M, int64_t units, int64_t blocks, int64_t scratch_columns) {
  return round_up(4 * (M * blocks + M * units + 256 + kGemvWarps), 16) + 4 * scratch_columns;
}

/** Plans a kernel for up to `most_rows` rows of X. */
Reason plan_gemv(const GemvKind& kind, int64_t most_rows, const CudaProblem& problem, CudaPlan* plan);

}  // namespace ternary::cuda

#endif  // TERNARY_CUDA_GEMV_GEMV_PLAN_H_
