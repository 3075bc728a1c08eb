/**
 * @file cuda_kernel.h
 * @brief What a CUDA kernel is: its problem, its row in the table of a GPU backend, and the table.
 *
 * The GPU counterpart of kernel.h. A row's launch function sees device pointers, sizes and a stream: it allocates
 * nothing, waits for nothing, reads no configuration and throws nothing, so that it may run under graph capture.
 * core/product has checked the arguments, core/cuda has chosen the row (planning.cc) and provided the workspace
 * (dispatch.cc).
 */
#ifndef TERNARY_ABI_CUDA_KERNEL_H_
#define TERNARY_ABI_CUDA_KERNEL_H_

#include <cstddef>
#include <cstdint>

#include "abi/cuda_layout.h"
#include "abi/kernel.h"

namespace ternary {

/** How dispatch may use a row. */
enum class CudaStage : uint8_t {
  activations,  ///< rows of X into q, s, q_sum (A8) or planes (A16); also RMSNorm and ternary_quantise_activations()
  fused_a8,     ///< activations and product in one kernel
  gemm_a8,      ///< product of prepared q
  gemm_a16,     ///< product of prepared planes
  rotate,       ///< rows of X rotated, alone
  head_norm,    ///< heads of Q and K normalised in place
  router,       ///< logits of a router and X
  route,        ///< experts of rows by their logits
  align,        ///< slots sorted by expert
  combine,      ///< sums over slots
  expert_rows,  ///< rows of X into x' of experts, as `activations`
  expert_gate,  ///< gates and ups into h of experts, as `activations`
  experts_a8,   ///< products of experts, of prepared q
  experts_a16   ///< products of experts, of prepared planes
};
inline constexpr int kCudaStageCount = 14;

/** What a launch is given besides its task and plan. */
struct CudaLaunch {
  void* stream;  ///< cudaStream_t
  bool pdl;      ///< launch with programmatic stream serialisation (sm_90 and up)
};

/**
 * Rows of X made ready, on the device. `rows` is ActivationTask with device pointers, its outputs q, f, q_sum, padded unused
 * unless said: for ternary_quantise_activations() (`plain`) q, ldq and s are the user's matrices in plain order and no
 * other output is set. The scale of row m and block b (0 where rows.block is 0) is s[m * s_row + b * s_block]. Outputs of an A8 product: q (permuted), s, q_sums; where the row's layout is top2, s and one plane,
 * which holds q as bf16. Of an A16 product: planes.
 */
struct CudaActivationTask {
  ActivationTask rows;
  int64_t M;
  bool plain;
  int8_t* q;    ///< A8: [M, ldq], permuted (cuda_q_position), zeros from K to `padded`
  int64_t ldq;  ///< a multiple of 16 bytes
  int64_t padded;
  float* s;  ///< A8: [M] or with blocks of rows [blocks, M], for `plain` [M, blocks]; A16: null
  int64_t s_row, s_block;
  int32_t* q_sums;  ///< A8: [M, units] sums of q by unit; units = 1 where unit == 0; or null
  int64_t unit;     ///< unit_columns()
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
  const int32_t* q_sums;  ///< A8: [M, units]
  const float* s;         ///< A8: [M], with blocks of columns [blocks, ld_s]; A16: null
  int64_t ld_s;
  int64_t block;           ///< A8: columns of a scale; 0: a scale a row
  const uint16_t* planes;  ///< A16; A8 of top2: q as bf16
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
  void* partial;  ///< the plan's partial_bytes, 256-byte aligned, its first clear_bytes zero; null if there are none
};

/** A product that makes its own activations (CudaStage::fused_a8): outputs of `activations` but residual_out unused. */
struct CudaFusedTask {
  CudaActivationTask activations;
  CudaGemmTask gemm;
};

/** What dispatch asks a row about: known before anything runs. */
struct CudaProblem {
  int64_t M, N, K, group, block, rotation;
  ternary_dtype x_dtype, y_dtype;
  bool norm, residual, residual_in_place, x_aligned, column_alpha;
  int planes;  ///< of X, A16
  int splits;  ///< wanted by TERNARY_I2S_SPLITS or the cost model; 0: the row's own choice
  int sm_count, shared_bytes;

  /** Columns that are summed before they are scaled; 0: all of K. */
  constexpr int64_t unit() const { return unit_columns(group, block); }
};

/** Rows of X rotated, on the device. */
struct CudaRotateTask {
  RotateTask rows;
  int64_t M;
};

/** Heads of both matrices, on the device, in one launch; the second has no heads where there is none. */
struct CudaHeadNormTask {
  HeadNormTask sides[2];
  int64_t M;
};

/** Logits of all rows and all E experts, on the device. */
struct CudaRouterTask {
  RouterTask rows;
  int64_t E;
};

/** Experts of all rows, on the device. */
struct CudaRouteTask {
  RouteTask rows;
  int64_t M;
};

/** Slots of all rows sorted by expert, on the device. An id that is neither -1 nor an expert's is taken for -1. */
struct CudaAlignTask {
  const int32_t* ids;  ///< [M, T]
  int64_t ld_ids;
  int64_t M, T, E;
  int32_t* slots;       ///< [M * T]
  int32_t* offsets;     ///< [E + 1]
  uint32_t* wrong_ids;  ///< how many such ids there were is added to it; null: another kernel counts them
};

/** Sums over the slots of all rows, on the device; ids as above. */
struct CudaCombineTask {
  CombineTask rows;
  int64_t M, E;
  uint32_t* wrong_ids;
};

/** Slots of rows on the device, and how many experts there are; ids as above. */
struct CudaSlots {
  const int32_t* ids;  ///< [M, T]
  int64_t ld_ids;
  int64_t M, T, E;
};

/** Rows made ready for products of experts. */
struct CudaExpertInputs {
  /** M, K and the outputs: of rows of X, or of all slots. Its `alpha_column` is the first of expert 0's. */
  CudaActivationTask activations;
  CudaSlots slots;
  int64_t alpha_step;  ///< elements from a vector of column alphas to the next
  int vectors;         ///< of column alphas of an expert: 2 where gate and up have their own
};

/** x' of a layer of experts: of each row, or where it is the slot's own of each slot and part. */
struct CudaExpertRowsTask {
  CudaExpertInputs inputs;
  bool by_slot;         ///< outputs are [parts, M, T] rows, else [M]
  int parts;            ///< vectors of column alphas that have x' of their own
  const void* weights;  ///< [M, T] of F32 or BF16, by which x is multiplied; or null
  ternary_dtype weights_dtype;
  int64_t ld_weights;
};

/** h of all slots. */
struct CudaExpertGateTask {
  CudaExpertInputs inputs;  ///< its X is not used
  GateTask gate;            ///< of [M * T] rows; h is not used
};

/** What a product of experts does besides, where its row `finishes` (cuda_rows.h). */
enum class CudaExpertsEnd : uint8_t {
  none,
  gate,  ///< the last CTA of a tile of slots makes their h, what CudaStage::expert_gate does
  sum  ///< the last CTA of some columns of a row sums their slots up, what CudaStage::combine does. Slots are not sorted
};

/** Products of slots with their experts' matrices, on the device: row `slot` of Y is that of slot m * T + t. */
struct CudaExpertsTask {
  CudaGemmTask gemm;  ///< w and alpha of expert 0; M: rows of q or of a plane. No bias, no partial
  CudaSlots slots;
  const int32_t* order;        ///< [M * T] slots by expert, of CudaAlignTask; null: they have not been sorted
  const int32_t* offsets;      ///< [E + 1], with `order`
  int64_t slots_of_row;        ///< slots that read a row of q or of a plane: T, or 1
  int64_t w_step, alpha_step;  ///< bytes and elements from an expert to the next
  CudaExpertsEnd end;
  int32_t* tickets;         ///< with an end: words that are 0, cuda_tickets() of them
  CudaExpertGateTask gate;  ///< of the end
  CudaCombineTask sum;      ///< of the end
};

/** A row's answer to a problem: all that its launch needs besides the task. Without padding, so that plans can be
 *  compared by bytes. */
struct CudaPlan {
  int64_t partial_bytes;  ///< of CudaGemmTask::partial
  int64_t clear_bytes;    ///< those of them at the front that must be zero
  int64_t shared_bytes;   ///< dynamic shared memory of a CTA
  int32_t grid;           ///< CTAs
  int32_t splits;         ///< CTAs that share K of one patch
  int32_t own[12];        ///< what the row's launch knows to read
};

/**
 * Reason::none if the row serves the problem, with `splits` CTAs that share K if it can honour problem.splits, else its
 * own choice. Sets the whole plan, also where it refuses: the cost model ranks what refuses too, so that a better kernel
 * that does is seen and counted. Knows nothing but its argument.
 */
using CudaPlanFn = Reason (*)(const CudaProblem& problem, CudaPlan* plan);
/** Launches return cudaError_t as int; 0 is success. They ask the device nothing. */
using CudaActivationFn = int (*)(const CudaActivationTask& task, const CudaLaunch& launch);
using CudaGemmFn = int (*)(const CudaGemmTask& task, const CudaPlan& plan, const CudaLaunch& launch);
using CudaFusedFn = int (*)(const CudaFusedTask& task, const CudaPlan& plan, const CudaLaunch& launch);
using CudaRotateFn = int (*)(const CudaRotateTask& task, const CudaLaunch& launch);
using CudaHeadNormFn = int (*)(const CudaHeadNormTask& task, const CudaLaunch& launch);
using CudaRouterFn = int (*)(const CudaRouterTask& task, const CudaLaunch& launch);
using CudaRouteFn = int (*)(const CudaRouteTask& task, const CudaLaunch& launch);
using CudaAlignFn = int (*)(const CudaAlignTask& task, const CudaLaunch& launch);
using CudaCombineFn = int (*)(const CudaCombineTask& task, const CudaLaunch& launch);
using CudaExpertRowsFn = int (*)(const CudaExpertRowsTask& task, const CudaLaunch& launch);
using CudaExpertGateFn = int (*)(const CudaExpertGateTask& task, const CudaLaunch& launch);
using CudaExpertsFn = int (*)(const CudaExpertsTask& task, const CudaLaunch& launch);

/** What a row of a stage without plans is launched by: of each such stage its own type. */
union CudaRowsFn {
  CudaActivationFn activations;  ///< CudaStage::activations
  CudaRotateFn rotate;           ///< CudaStage::rotate
  CudaHeadNormFn head_norm;      ///< CudaStage::head_norm
  CudaRouterFn router;           ///< CudaStage::router
  CudaRouteFn route;             ///< CudaStage::route
  CudaAlignFn align;             ///< CudaStage::align
  CudaCombineFn combine;         ///< CudaStage::combine
  CudaExpertRowsFn expert_rows;  ///< CudaStage::expert_rows
  CudaExpertGateFn expert_gate;  ///< CudaStage::expert_gate
  CudaExpertsFn experts;         ///< CudaStage::experts_a8 and experts_a16

  constexpr CudaRowsFn() : activations(nullptr) {}
  constexpr explicit CudaRowsFn(CudaActivationFn function) : activations(function) {}
  constexpr explicit CudaRowsFn(CudaRotateFn function) : rotate(function) {}
  constexpr explicit CudaRowsFn(CudaHeadNormFn function) : head_norm(function) {}
  constexpr explicit CudaRowsFn(CudaRouterFn function) : router(function) {}
  constexpr explicit CudaRowsFn(CudaRouteFn function) : route(function) {}
  constexpr explicit CudaRowsFn(CudaAlignFn function) : align(function) {}
  constexpr explicit CudaRowsFn(CudaCombineFn function) : combine(function) {}
  constexpr explicit CudaRowsFn(CudaExpertRowsFn function) : expert_rows(function) {}
  constexpr explicit CudaRowsFn(CudaExpertGateFn function) : expert_gate(function) {}
  constexpr explicit CudaRowsFn(CudaExpertsFn function) : experts(function) {}
};

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
  CudaRowsFn rows;  ///< of a stage without plans
  CudaGemmFn gemm;
  CudaFusedFn fused;
  CudaPlanFn plan;  ///< of a layer's product, whose M and K are in these ranges; null for other stages

  /** It is of a stage with plans: a layer's product. */
  constexpr bool product() const { return plan != nullptr; }
  /** It multiplies by ternary weights, a layer's or experts'. */
  constexpr bool multiplies() const {
    return product() || stage == CudaStage::experts_a8 || stage == CudaStage::experts_a16;
  }
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

inline constexpr int32_t kCudaBackendAbi = 7;

/** The one symbol a GPU backend library exports; null if `abi` is not its own. */
extern "C" TERNARY_API const CudaBackend* ternary_cuda_backend(int32_t abi);
using CudaBackendFn = const CudaBackend* (*)(int32_t abi);

}  // namespace ternary

#endif  // TERNARY_ABI_CUDA_KERNEL_H_
