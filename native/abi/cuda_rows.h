/**
 * @file cuda_rows.h
 * @brief The rows of every library of GPU kernels without their code: which kernels each is compiled to, and their shapes.
 *
 * For who has no CUDA: the cost model and the tool that counts machine code. A .cu states which kernel is which variant
 * of its row, and compiles only where its templates have the row's shape (cuda/device/variant.h).
 */
#ifndef TERNARY_ABI_CUDA_ROWS_H_
#define TERNARY_ABI_CUDA_ROWS_H_

#include <cstdint>
#include <iterator>
#include <string_view>

#include "abi/cuda_kernel.h"
#include "abi/cuda_layout.h"

namespace ternary {

/** What a variant sums before it scales. */
enum class CudaUnits : uint8_t {
  none,    ///< all of K: a scale a row of X, and alpha by row of W at most
  groups,  ///< groups of alpha
  blocks   ///< blocks of X, or groups of alpha within them
};
constexpr CudaUnits cuda_units(int64_t group, int64_t block) {
  return block > 0 ? CudaUnits::blocks : group > 0 ? CudaUnits::groups : CudaUnits::none;
}

/** One kernel compiled for a row: what of the row's problems it serves, and its shape. */
struct CudaVariant {
  const char* name;  ///< "plain_m8"; null: the row has no more
  CudaUnits units;
  int planes;   ///< of X: 3, or 1 and in A8
  int rows;     ///< rows of X that its loop multiplies by the same codes: of a GEMV all, of a GEMM 8
  int patch_n;  ///< a CTA's part of Y: rows of W ...
  int patch_m;  ///< ... by rows of X
  int threads;  ///< of a CTA
  int ctas;     ///< CTAs of an SM that its registers are cut for; a GEMV's grid has no more
  int depth;    ///< GEMM: spans of X and W in the ring in shared memory
  int ahead;    ///< W on its way: GEMM: spans of a CTA besides the one in use, depth - 1; GEMV: tiles of a warp
  int columns;  ///< GEMM: of a span
};

inline constexpr int kMostCudaVariants = 6;

/** A row of kernels.inc. */
struct CudaRow {
  const char* library;  ///< "bitnet"
  const char* name;     ///< CudaKernel::name
  const char* file;     ///< CudaKernel::file
  CudaStage stage;
  CudaLayout layout;
  int64_t m_min, m_max;                         ///< rows of X
  CudaVariant variants[kMostCudaVariants + 1];  ///< the last has no name
  bool finishes = false;                        ///< of products of experts: it does what CudaExpertsEnd says

  /** Its kernels are for few rows of X, each for up to CudaVariant::rows of them, and have no ring. */
  constexpr bool gemv() const { return product() && variants[0].depth == 0; }
  /** A layer's product: dispatch plans it by the cost model. */
  constexpr bool product() const {
    return stage == CudaStage::fused_a8 || stage == CudaStage::gemm_a8 || stage == CudaStage::gemm_a16;
  }
  /** It multiplies by ternary weights, a layer's or experts'. */
  constexpr bool multiplies() const {
    return product() || stage == CudaStage::experts_a8 || stage == CudaStage::experts_a16;
  }
  /** It is given planes of 16-bit floats, and sums fp32. */
  constexpr bool a16() const { return stage == CudaStage::gemm_a16 || stage == CudaStage::experts_a16; }
};

/** The warps of a GEMV's CTA, each with a panel of 16 rows of W. */
inline constexpr int kGemvWarps = 8;

/** Threads of a CUTLASS kernel of mixed input: 4 warps of the epilogue, 4 that decode W, 5 of one thread's work. */
inline constexpr int kTileThreads = 416;

// What kernels.inc says.
#define GEMV_VARIANT(name, units, rows, ctas, ahead) \
  {name, CudaUnits::units, 1, rows, 16 * kGemvWarps, rows, 32 * kGemvWarps, ctas, 0, ahead, 0}
#define ROWS(rows, ctas, ahead, unit_ctas, unit_ahead)                     \
  GEMV_VARIANT("plain_m" #rows, none, rows, ctas, ahead),                  \
      GEMV_VARIANT("groups_m" #rows, groups, rows, unit_ctas, unit_ahead), \
      GEMV_VARIANT("blocks_m" #rows, blocks, rows, unit_ctas, unit_ahead)
#define GEMM_VARIANT(name, units, planes, patch_n, patch_m, threads, ctas, depth, columns) \
  {name, CudaUnits::units, planes, 8, patch_n, patch_m, threads, ctas, depth, (depth) - 1, columns}
#define PLAIN(...) GEMM_VARIANT("plain", none, 1, __VA_ARGS__)
#define UNITS(...) GEMM_VARIANT("groups", groups, 1, __VA_ARGS__), GEMM_VARIANT("blocks", blocks, 1, __VA_ARGS__)
#define PLANES(type, count, ...) \
  GEMM_VARIANT("plain_" #type, none, count, __VA_ARGS__), GEMM_VARIANT("groups_" #type, groups, count, __VA_ARGS__)
#define TILES(name, patch_n, patch_m, depth) \
  {#name, CudaUnits::none, 1, 8, patch_n, patch_m, kTileThreads, 1, depth, (depth) - 1, 128}
#define WARPS(name, warps) {#name, CudaUnits::none, 1, 1, 0, 1, 32 * (warps), 1, 0, 0, 0}
#define ANY(name) WARPS(name, 8)
#define ROWWISE(name, stage, function, ...) \
  {TERNARY_CUDA_LIBRARY, name, #function, CudaStage::stage, CudaLayout::i2s, 1, kAnyM, {__VA_ARGS__}},
#define GEMM(name, stage, layout, function, m_min, m_max, k_max, ...) \
  {TERNARY_CUDA_LIBRARY, name, #function, CudaStage::stage, CudaLayout::layout, m_min, m_max, {__VA_ARGS__}},
#define FUSED(name, layout, function, m_min, m_max, k_max, ...) \
  {TERNARY_CUDA_LIBRARY, name, #function, CudaStage::fused_a8, CudaLayout::layout, m_min, m_max, {__VA_ARGS__}},
#define EXPERTS(name, stage, layout, function, finishes, ...) \
  {TERNARY_CUDA_LIBRARY, name, #function, CudaStage::stage, CudaLayout::layout, 1, kAnyM, {__VA_ARGS__}, finishes},

/** Every row, library by library, each in the order of its kernels.inc. */
inline constexpr CudaRow kCudaRows[] = {
#include "abi/cuda_kernels.inc"
};

#undef GEMV_VARIANT
#undef GEMM_VARIANT
#undef ROWS
#undef PLAIN
#undef UNITS
#undef PLANES
#undef TILES
#undef WARPS
#undef ANY
#undef ROWWISE
#undef GEMM
#undef FUSED
#undef EXPERTS

/** Place of a row in kCudaRows; -1: there is none. */
constexpr int find_cuda_row(std::string_view file) {
  for (int row = 0; row < static_cast<int>(std::size(kCudaRows)); ++row) {
    if (file == kCudaRows[row].file) return row;
  }
  return -1;
}

/** A row's function tells it from those of all libraries. */
constexpr bool every_cuda_row_is_named_once() {
  for (int row = 0; row < static_cast<int>(std::size(kCudaRows)); ++row) {
    if (find_cuda_row(kCudaRows[row].file) != row) return false;
  }
  return true;
}
static_assert(every_cuda_row_is_named_once(), "two rows of kernels.inc, of one library or of two, have one function");

/** Place of a variant in its row; -1: there is none. */
constexpr int find_cuda_variant(const CudaRow& row, std::string_view name) {
  for (int variant = 0; row.variants[variant].name != nullptr; ++variant) {
    if (name == row.variants[variant].name) return variant;
  }
  return -1;
}

/** Bytes of W in a span of a CTA of a GEMM. */
constexpr int64_t cuda_span_weights(const CudaRow& row, const CudaVariant& variant) {
  return cuda_layout_bytes(row.layout, variant.patch_n, variant.columns);
}

/** Bytes of W that a CTA has on their way. */
constexpr int64_t cuda_bytes_ahead(const CudaRow& row, const CudaVariant& variant) {
  return variant.ahead * (row.gemv() ? kGemvWarps * kCudaTileBytes : cuda_span_weights(row, variant));
}

/**
 * Warps of an SM, each with so many tiles on its way, that keep its memory pipeline full: 17 to 36 KB are needed, of
 * compute capability 10 (B200, B300) 61. Warps of a GEMV share K until there are as many. An SM holds 32 at most.
 */
constexpr int64_t cuda_busy_warps(int major, int64_t tiles) {
  const int64_t warps = (int64_t{major == 10 ? 64 : 48} << 10) / (tiles * kCudaTileBytes);
  return warps < 32 ? warps : 32;
}

/** Columns whose sums are fp32 and begin from zero: a super-block has as many, or a unit where that is larger. */
inline constexpr int64_t kStretchColumns = 2048;

/** Columns of a super-block of units (numerics.md sections 3.3 and 7.2). */
constexpr int64_t cuda_super_block_columns(int64_t unit) {
  return unit >= kStretchColumns ? unit : kStretchColumns / unit * unit;
}

/** Columns of a stretch, between which a GEMM may split K. Sums without units that are exact end anywhere. */
constexpr int64_t cuda_stretch_columns(const CudaRow& row, int64_t unit) {
  if (unit > 0) return cuda_super_block_columns(unit);
  return row.a16() ? kStretchColumns : row.variants[0].columns;
}

inline constexpr int64_t kMostCudaSplits = 16;

/** The most CTAs that may share K of a part of Y: 1 where their sums could not be added in the contract's order. */
constexpr int cuda_most_splits(const CudaRow& row, int64_t K, int64_t unit) {
  if (row.gemv()) return row.stage == CudaStage::gemm_a8 && unit == 0 ? kMostCudaSplits : 1;
  const int64_t stretches = ceil_div(K, cuda_stretch_columns(row, unit));
  return static_cast<int>(stretches < kMostCudaSplits ? stretches : kMostCudaSplits);
}

/** Dynamic shared memory of a CTA of a GEMM whose K is not split: the spans of X and W. */
constexpr int64_t cuda_ring_bytes(const CudaRow& row, const CudaVariant& variant) {
  const int64_t x_bytes = row.a16() ? 2 * variant.planes : 1;
  return variant.depth * (variant.columns * x_bytes * variant.patch_m + cuda_span_weights(row, variant));
}

/** Tickets of an end: one a tile, or one a row of Y and patch of N. */
constexpr int64_t cuda_tickets(const CudaRow& row, CudaExpertsEnd end, int64_t M, int64_t T, int64_t N) {
  return end == CudaExpertsEnd::gate  ? M * T
         : end == CudaExpertsEnd::sum ? M * ceil_div(N, row.variants[0].patch_n)
                                      : 0;
}

}  // namespace ternary

#endif  // TERNARY_ABI_CUDA_ROWS_H_
