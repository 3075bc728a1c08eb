/**
 * @file cuda_kernel.h
 * @brief What a CUDA kernel is: its problem, its row in the table of a GPU backend, and the table.
 *
 * The GPU counterpart of kernel.h, and all that core/ and native/cuda share. A row's `launch` sees device pointers, sizes
 * and a stream: it allocates nothing, waits for nothing, reads no configuration and throws nothing, so that it may run
 * under graph capture. Dispatch (cuda_dispatch.cc) has checked the arguments, chosen the row and provided the workspace.
 */
#ifndef TERNARY_CORE_CUDA_KERNEL_H_
#define TERNARY_CORE_CUDA_KERNEL_H_

#include <cstddef>
#include <cstdint>

#include "core/kernel.h"

namespace ternary {

/**
 * Arrangements of codes on a GPU, made once by core/cuda_layout.cc. A tile has 16 rows of W and is 512 bytes, 16 for each
 * lane of a warp; the tiles of 16 rows lie in ascending K one after the other. Lane `4 * g + t` (g = 0 ... 7, t = 0 ... 3)
 * holds bytes 16 * lane ... + 15 of a tile: four words i = 2 * h + r (h, r = 0, 1) of four bytes b each, and byte b of
 * word i holds, for each step d, the code of
 *
 *     row  n = 16 * panel + 8 * r + g         column  k = tile_columns * tile + 32 * d + 16 * h + 4 * t + b
 *
 *   i2s  d = 0 ... 3 at bits 2 * d: 128 columns a tile, 2.00 bits a weight
 *   t5   d = 0 ... 4, five base-3 digits as in TERNARY_LAYOUT_T5_TILED, c_d the code of step d: 160 columns, 1.60 bits
 *   dense  the fallback's: bf16 -1, 0, +1, row-major [N, round_up(K, 64)], zeros beyond K and no tiles
 *
 * So word i is register a_i of the A operand of mma.m16n8k32 for every step d, and a lane that uses dp4a meets two rows
 * with one set of q. Rows beyond N and columns beyond K hold code 1.
 */
enum class CudaLayout : uint8_t { i2s, t5, dense };
inline constexpr int kCudaLayoutCount = 3;
inline constexpr const char* kCudaLayoutNames[kCudaLayoutCount] = {"i2s", "t5", "dense"};

inline constexpr int64_t kCudaTileBytes = 512;
/** Columns of K in a tile. */
inline constexpr int64_t cuda_tile_columns(CudaLayout layout) {
  return layout == CudaLayout::i2s ? 128 : layout == CudaLayout::t5 ? 160 : 64;
}

/** Columns of a row of q (zeros beyond K) that kernels of a layout may read: whole tiles and whole lines of 64. */
inline constexpr int64_t cuda_padded_columns(CudaLayout layout, int64_t K) {
  return round_up(K, layout == CudaLayout::t5 ? 320 : 128);
}

/**
 * Where column k of a row of q lies in the permuted order that the tile kernels read: within each line of 64 columns
 * k = 32 * j + 16 * h + 4 * t + b lies at 16 * t + 8 * j + 4 * h + b, so that a lane's 16 bytes are registers b0, b1 of
 * two successive steps of mma.m16n8k32, and the four operands of eight dp4a.
 */
inline constexpr int64_t cuda_q_position(int64_t k) {
  return (k & ~int64_t{63}) + 16 * (k >> 2 & 3) + 8 * (k >> 5 & 1) + 4 * (k >> 4 & 1) + (k & 3);
}

/** How dispatch may use a row. */
enum class CudaStage : uint8_t {
  activations,  ///< rows of X into q, s, q_sum (A8) or planes (A16); also RMSNorm and ternary_quantise_activations()
  fused_a8,     ///< activations and product in one kernel
  gemm_a8,      ///< product of prepared q
  gemm_a16      ///< product of prepared planes
};
inline constexpr int kCudaStageCount = 4;

/** What a launch is given besides its problem. Pointers are device pointers. */
struct CudaLaunch {
  void* stream;      ///< cudaStream_t
  bool pdl;          ///< launch with programmatic stream serialisation (sm_90 and up)
  int splits;        ///< CTAs that share K of one patch; 1 ... the row's answer to max_splits
  int sm_count;      ///< of the device
  int shared_bytes;  ///< shared memory a CTA may opt in to
};

/**
 * Rows of X made ready, on the device. `rows` is ActivationTask with device pointers, its outputs q, f, q_sum, padded unused
 * unless said: for ternary_quantise_activations() (`plain`) q, ldq and s are the user's matrices in plain order and no
 * other output is set. Outputs of an A8 product: q (permuted), s, q_sums. Of an A16 product: planes.
 */
struct CudaActivationTask {
  ActivationTask rows;
  int64_t M;
  bool plain;
  int8_t* q;    ///< A8: [M, ldq], permuted (cuda_q_position), zeros from K to `padded`
  int64_t ldq;  ///< a multiple of 16 bytes
  int64_t padded;
  float* s;         ///< A8: [M]
  int32_t* q_sums;  ///< A8: [M, groups] sums of q by group of alpha; groups = 1 where group == 0
  int64_t group;    ///< 0, or columns in a group of alpha
  uint16_t*
      planes;  ///< A16: [plane_count][M, ld_plane] bf16 (or one plane of f16), plain order, zeros from K to `padded`;
               ///< x' is exactly the sum of its planes (bf16: highest first), a non-finite row is NaN in all places
  int64_t ld_plane;
  int plane_count;  ///< bf16 X as it is: 1; f16 X as it is: 1 plane of f16; anything else fp32: 3 planes of bf16
  bool plane_f16;
  int32_t* clear;  ///< words the kernel sets to 0 for the product that follows (split-K sums and tickets), or null
  int64_t clear_count;
};

/** A product on the device: as GemmTask, with device pointers and the operands of this header. */
struct CudaGemmTask {
  const int8_t* q;  ///< A8: [M, ldq], permuted unless the row's layout is dense
  int64_t ldq;
  const int32_t* q_sums;   ///< A8: [M, groups]
  const float* s;          ///< A8: [M]
  const uint16_t* planes;  ///< A16
  int64_t ld_plane;
  int plane_count;
  bool plane_f16;
  const uint8_t* w;    ///< codes in the row's layout, 256-byte aligned
  const float* alpha;  ///< [N], or when group > 0 in panels, see group_alpha()
  int64_t group;
  const float* bias;  ///< [N] or null
  void* y;            ///< [M, ldy]
  ternary_dtype y_dtype;
  int64_t ldy;
  int64_t M, N, K;
  void* partial;  ///< the row's workspace_bytes(), 256-byte aligned; its first clear_bytes() are zero
};

/** A product that makes its own activations (CudaStage::fused_a8): outputs of `activations` but residual_out unused. */
struct CudaFusedTask {
  CudaActivationTask activations;
  CudaGemmTask gemm;
};

/** What dispatch asks a row about: known before anything runs. */
struct CudaProblem {
  int64_t M, N, K, group;
  ternary_dtype x_dtype, y_dtype;
  bool norm, residual, residual_in_place, x_aligned, column_alpha;
  int planes;  ///< of X, A16
  int splits;  ///< wanted by TERNARY_I2S_SPLITS or the cost model; 0: the row's own choice
  int sm_count, shared_bytes;
};

/** Functions of a row return cudaError_t as int; 0 is success. */
using CudaActivationFn = int (*)(const CudaActivationTask& task, const CudaLaunch& launch);
using CudaGemmFn = int (*)(const CudaGemmTask& task, const CudaLaunch& launch);
using CudaFusedFn = int (*)(const CudaFusedTask& task, const CudaLaunch& launch);
/** Reason::none if the row can serve the problem; asked before every launch, so it must be cheap. */
using CudaRefusalFn = Reason (*)(const CudaProblem& problem);
/** Splits of K the row would use for this problem: problem.splits if it can be honoured, else its own choice. */
using CudaSplitsFn = int (*)(const CudaProblem& problem);
/** Bytes of `partial` for so many splits; `clear`: those of them at the front that must be zero. */
using CudaWorkspaceFn = int64_t (*)(const CudaProblem& problem, int splits, int64_t* clear);

/** Ranges of rows that have no limit of their own. */
inline constexpr int64_t kAnyM = (int64_t{1} << 31) - 1;
inline constexpr int64_t kAnyK = (int64_t{1} << 24) - 1;
/** Sums of int8 times -1, 0, +1 are exact in fp32: 128 * K < 2^24. */
inline constexpr int64_t kExactFloatK = (int64_t{1} << 17) - 1;

/** One row of a GPU backend's table. */
struct CudaKernel {
  const char* name;  ///< path name without op and backend, e.g. "gemv_a8_i2s"
  const char* file;  ///< file = function, e.g. "gemv_a8_i2s_dp4a_16x128"
  CudaStage stage;
  CudaLayout layout;
  int64_t m_min, m_max;  ///< rows of X it serves
  int64_t k_max;
  CudaActivationFn activations;
  CudaGemmFn gemm;
  CudaFusedFn fused;
  CudaRefusalFn refusal;      ///< null: m and k range are all there is to check
  CudaSplitsFn splits;        ///< null: 1
  CudaWorkspaceFn workspace;  ///< null: none
};

/** What a GPU backend library exports; `kernels` best first where the cost model sees no difference. */
struct CudaBackend {
  const char* arch;  ///< "sm90a": what the library was compiled for
  bool pdl;          ///< its kernels may be launched with programmatic stream serialisation
  /** Loads every kernel for the current device, compiling PTX where there is no machine code for it, and lets each have
   *  `shared_bytes`, the most that a CTA of the device may opt in to. Always the same for a device: so it may run beside
   *  launches, which set nothing. Must have run before them. cudaError_t; 0 is success. */
  int (*prepare)(int shared_bytes);
  const CudaKernel* kernels;
  int32_t kernel_count;
};

inline constexpr int32_t kCudaBackendAbi = 2;

/** The one symbol a GPU backend library exports; null if `abi` is not its own. */
extern "C" TERNARY_API const CudaBackend* ternary_cuda_backend(int32_t abi);
using CudaBackendFn = const CudaBackend* (*)(int32_t abi);

}  // namespace ternary

#endif  // TERNARY_CORE_CUDA_KERNEL_H_
