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

/** One kernel compiled for a row: what of the row's problems it serves, and its shape. */
struct CudaVariant {
  const char* name;  ///< "plain_m8"; null: the row has no more
  bool groups;       ///< of alpha
  int planes;        ///< of X: 3, or 1 and in A8
  int rows;          ///< rows of X that its loop multiplies by the same codes: of a GEMV all, of a GEMM 8
  int patch_n;       ///< a CTA's part of Y: rows of W ...
  int patch_m;       ///< ... by rows of X
  int threads;       ///< of a CTA
  int ctas;          ///< CTAs of an SM that its registers are cut for; a GEMV's grid has no more
  int depth;         ///< GEMM: spans of X in the ring in shared memory, and of W where it goes there (dense)
  int ahead;         ///< W on its way: GEMM: spans of a CTA besides the one in use; GEMV: tiles of a warp
  int columns;       ///< GEMM: of a span
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

  /** Its kernels are for few rows of X, each for up to CudaVariant::rows of them, and have no ring. */
  constexpr bool gemv() const { return stage != CudaStage::activations && variants[0].depth == 0; }
};

/** The warps of a GEMV's CTA, each with a panel of 16 rows of W. */
inline constexpr int kGemvWarps = 8;

// What kernels.inc says.
#define GEMV_VARIANT(name, groups, rows, ctas, ahead) \
  {name, groups, 1, rows, 16 * kGemvWarps, rows, 32 * kGemvWarps, ctas, 0, ahead, 0}
#define ROWS(rows, ctas, ahead, group_ctas, group_ahead)   \
  GEMV_VARIANT("plain_m" #rows, false, rows, ctas, ahead), \
      GEMV_VARIANT("groups_m" #rows, true, rows, group_ctas, group_ahead)
#define PLAIN(...) {"plain", false, 1, 8, __VA_ARGS__}
#define GROUPS(...) {"groups", true, 1, 8, __VA_ARGS__}
#define PLANES(type, count, ...) \
  {"plain_" #type, false, count, 8, __VA_ARGS__}, { "groups_" #type, true, count, 8, __VA_ARGS__ }
#define ACTIVATIONS(name, function)                               \
  {TERNARY_CUDA_LIBRARY, name, #function, CudaStage::activations, \
   CudaLayout::i2s,      1,    kAnyM,     {{"any", false, 1, 1, 0, 1, 256, 1, 0, 0, 0}}},
#define GEMM(name, stage, layout, function, m_min, m_max, k_max, ...) \
  {TERNARY_CUDA_LIBRARY, name, #function, CudaStage::stage, CudaLayout::layout, m_min, m_max, {__VA_ARGS__}},
#define FUSED(name, layout, function, m_min, m_max, k_max, ...) \
  {TERNARY_CUDA_LIBRARY, name, #function, CudaStage::fused_a8, CudaLayout::layout, m_min, m_max, {__VA_ARGS__}},

/** Every row, library by library, each in the order of its kernels.inc. */
inline constexpr CudaRow kCudaRows[] = {
#include "abi/cuda_kernels.inc"
};

#undef GEMV_VARIANT
#undef ROWS
#undef PLAIN
#undef GROUPS
#undef PLANES
#undef ACTIVATIONS
#undef GEMM
#undef FUSED

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

/** The most CTAs that may share K of a part of Y: 1 where their sums could not be added in the contract's order. */
constexpr int cuda_most_splits(const CudaRow& row, bool groups) {
  return row.gemv() && row.stage == CudaStage::gemm_a8 && !groups ? 16 : 1;
}

/** Dynamic shared memory of a CTA of a GEMM: the spans of X, and those of W unless it goes to registers. */
constexpr int64_t cuda_ring_bytes(const CudaRow& row, const CudaVariant& variant) {
  const int64_t x_bytes = row.stage == CudaStage::gemm_a16 ? 2 * variant.planes : 1;
  const int64_t weights = row.layout == CudaLayout::dense ? cuda_span_weights(row, variant) : 0;
  return variant.depth * (variant.columns * x_bytes * variant.patch_m + weights);
}

}  // namespace ternary

#endif  // TERNARY_ABI_CUDA_ROWS_H_
