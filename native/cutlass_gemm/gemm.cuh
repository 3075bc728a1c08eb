/**
 * @file gemm.cuh
 * @brief A GEMM of ternary weights by CUTLASS, for sm_100a: W of 2 bits becomes bf16 or f16 in tensor memory and is
 * operand A of tcgen05.mma; X is operand B.
 *
 * Stock parts of CUTLASS: the mainloop and the kernel of mixed input. Parts of this library: the scheduler of splits
 * (split_scheduler.cuh), the epilogue (output.cuh) and the launch (pdl.cuh).
 *
 * A8 takes q as bf16, which holds int8. Sums are exact in fp32 while 128 * K < 2^24, which the rows' k_max says.
 */
#ifndef TERNARY_CUTLASS_GEMM_GEMM_CUH_
#define TERNARY_CUTLASS_GEMM_GEMM_CUH_

#include "cutlass_gemm/decode.cuh"
#include "cutlass_gemm/output.cuh"
#include "cutlass_gemm/split_scheduler.cuh"
// CUTLASS's headers come behind it.
#include "cutlass/detail/collective/mixed_input_utils.hpp"
#include "cutlass/gemm/collective/collective_builder.hpp"
#include "cutlass/gemm/device/gemm_universal_adapter.h"

#include "cuda/device/variant.h"
#include "cuda/kernels.h"
#include "cutlass_gemm/plan.h"

namespace ternary::cutlass_gemm {

/** `kSms` CTAs share a patch of kPatchN rows of W, kCtaRows each, by kPatchM rows of X. */
template <class X, int kPatchN, int kPatchM>
class Gemm {
  static constexpr int kSms = kPatchN / kCtaRows;
  using Arch = cutlass::arch::Sm100;
  using TensorOp = cutlass::arch::OpClassTensorOp;
  using Patch = cute::Shape<cute::Int<kPatchN>, cute::Int<kPatchM>, cute::_128>;
  using Cluster = cute::Shape<cute::Int<kSms>, cute::_1, cute::_1>;
  using Schedule = std::conditional_t<kSms == 2, cutlass::gemm::KernelTmaWarpSpecialized2SmMixedInputSm100,
                                      cutlass::gemm::KernelTmaWarpSpecialized1SmMixedInputSm100>;
  using Epilogue = cutlass::epilogue::collective::detail::Sm100TmaWarpSpecializedAdapter<Output<kPatchM>>;
  using Stages = cutlass::gemm::collective::StageCountAutoCarveout<sizeof(typename Epilogue::TensorStorage)>;
  using Mainloop = typename cutlass::gemm::collective::CollectiveBuilder<
      Arch, TensorOp, cute::tuple<cutlass::int2b_t>, cutlass::layout::RowMajor, 64, X, cutlass::layout::ColumnMajor, 8,
      float, Patch, Cluster, Stages, Schedule>::CollectiveOp;

 public:
  using Kernel = cutlass::gemm::kernel::GemmUniversal<cute::Shape<int, int, int, int>, Mainloop, Epilogue, SplitK>;
  static constexpr auto kKernel = cutlass::device_kernel<Kernel>;
  static constexpr int kDepth = Mainloop::DispatchPolicy::Load2TransformPipelineStageCount;

  /** The plan of a row, which has these patches. */
  static Reason plan(const CudaRow& row, const CudaProblem& problem, CudaPlan* plan) {
    const Reason reason = plan_gemm(row, problem, plan);
    plan->shared_bytes = Kernel::SharedStorageSize;
    return reason;
  }

  /** X is the task's plane, of either activation. */
  static int launch(const CudaGemmTask& task, const CudaPlan& plan, const CudaLaunch& how) {
    const GemmPlan own = gemm_plan_of(plan);
    const typename Kernel::Arguments arguments = arguments_of(task, plan, own);
    const typename Kernel::Params params = Kernel::to_underlying_arguments(arguments, nullptr);
    if (const cudaError_t error = take_encode_error(); error != cudaSuccess) return error;
    return cuda::launch<kKernel>(how, Kernel::get_grid_shape(params), Kernel::get_block_shape(),
                                 Kernel::SharedStorageSize, kSms, params);
  }

 private:
  static typename Kernel::Arguments arguments_of(const CudaGemmTask& t, const CudaPlan& plan, const GemmPlan& own) {
    using Raster = typename Kernel::TileScheduler::RasterOrderOptions;
    typename Kernel::Arguments a;
    a.mode = cutlass::gemm::GemmUniversalMode::kGemm;
    // Rows of both are zeros up to a whole tile of K; a tensor map of 2-bit elements counts whole bytes.
    const int64_t K = cuda_padded_columns(CudaLayout::top2, t.K);
    a.problem_shape = {static_cast<int>(t.N), static_cast<int>(t.M), static_cast<int>(K), 1};
    a.mainloop.ptr_A = reinterpret_cast<const cutlass::int2b_t*>(t.w);
    a.mainloop.dA = {K, cute::_1{}, 0};
    a.mainloop.ptr_B = reinterpret_cast<const X*>(t.planes);
    a.mainloop.dB = {t.ld_plane, cute::_1{}, 0};
    char* partial = static_cast<char*>(t.partial);
    a.epilogue = {t.s,
                  t.alpha,
                  t.bias,
                  t.y,
                  t.y_dtype,
                  t.ldy,
                  plan.splits,
                  reinterpret_cast<int32_t*>(partial),
                  reinterpret_cast<float*>(partial + own.ticket_bytes)};
    a.hw_info.sm_count = own.sm_count;
    a.scheduler.splits = plan.splits;
    a.scheduler.raster_order = Raster::AlongM;  // of CUTLASS's M, rows of W: neighbours share X
    return a;
  }
};

/** A row of kernels.inc whose kernel is Gemm's. */
#define TERNARY_CUTLASS_ROW(function, variant, Gemm)                                                                 \
  static_assert(variant_of(#function, #variant).depth == Gemm::kDepth, "kernels.inc has another depth of the ring"); \
  TERNARY_CUDA_VARIANT(function, variant, Gemm::kKernel)                                                             \
  Reason function##_plan(const CudaProblem& problem, CudaPlan* plan) {                                               \
    return Gemm::plan(kCudaRows[find_cuda_row(#function)], problem, plan);                                           \
  }                                                                                                                  \
  int function(const CudaGemmTask& task, const CudaPlan& plan, const CudaLaunch& how) {                              \
    return Gemm::launch(task, plan, how);                                                                            \
  }

}  // namespace ternary::cutlass_gemm

#endif  // TERNARY_CUTLASS_GEMM_GEMM_CUH_
