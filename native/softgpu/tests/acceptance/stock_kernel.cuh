/**
 * @file stock_kernel.cuh
 * @brief One instantiation of CUTLASS's GEMM for sm_100a by its collective builders, and its launch.
 */
#ifndef TERNARY_SOFTGPU_TESTS_ACCEPTANCE_STOCK_KERNEL_CUH_
#define TERNARY_SOFTGPU_TESTS_ACCEPTANCE_STOCK_KERNEL_CUH_

#include <cuda_runtime.h>

#include <cutlass/cutlass.h>
#include <cutlass/gemm/device/gemm_universal_adapter.h>
#include <cute/tensor.hpp>
#include <cutlass/epilogue/collective/collective_builder.hpp>
#include <cutlass/gemm/collective/collective_builder.hpp>
#include <cutlass/gemm/kernel/gemm_universal.hpp>
#include <cutlass/util/packed_stride.hpp>

#include "softgpu/tests/acceptance/stock_kernels.h"

namespace ternary::softgpu {

/** `Traits` names types, tile, cluster, schedules and alignments. */
template <class Traits>
struct StockKernel {
  using Arch = cutlass::arch::Sm100;
  using TensorOp = cutlass::arch::OpClassTensorOp;
  using Sum = typename Traits::Sum;
  static constexpr int kAlignmentD = 16 / sizeof(Sum);

  using Epilogue = typename cutlass::epilogue::collective::CollectiveBuilder<
      Arch, TensorOp, typename Traits::TileShape, typename Traits::ClusterShape,
      cutlass::epilogue::collective::EpilogueTileAuto, Sum, Sum, void, typename Traits::LayoutD, kAlignmentD, Sum,
      typename Traits::LayoutD, kAlignmentD, typename Traits::EpilogueSchedule>::CollectiveOp;
  using Mainloop = typename cutlass::gemm::collective::CollectiveBuilder<
      Arch, TensorOp, typename Traits::OperandA, cutlass::layout::RowMajor, Traits::kAlignmentA, typename Traits::B,
      cutlass::layout::ColumnMajor, Traits::kAlignmentB, Sum, typename Traits::TileShape, typename Traits::ClusterShape,
      cutlass::gemm::collective::StageCountAutoCarveout<static_cast<int>(sizeof(typename Epilogue::SharedStorage))>,
      typename Traits::Schedule>::CollectiveOp;
  using Kernel = cutlass::gemm::kernel::GemmUniversal<cute::Shape<int, int, int, int>, Mainloop, Epilogue>;
  using Gemm = cutlass::gemm::device::GemmUniversalAdapter<Kernel>;

  static const char* run(const StockProduct& product) {
    const auto a = cutlass::make_cute_packed_stride(typename Kernel::StrideA{}, {product.m, product.k, 1});
    const auto b = cutlass::make_cute_packed_stride(typename Kernel::StrideB{}, {product.n, product.k, 1});
    const auto d = cutlass::make_cute_packed_stride(typename Kernel::StrideD{}, {product.m, product.n, 1});
    typename Gemm::Arguments arguments{
        cutlass::gemm::GemmUniversalMode::kGemm,
        {product.m, product.n, product.k, 1},
        {static_cast<const typename Traits::A*>(product.a), a, static_cast<const typename Traits::B*>(product.b), b},
        {{Sum(1), Sum(0)}, nullptr, {}, static_cast<Sum*>(product.d), d}};
    arguments.hw_info.sm_count = 148;
    Gemm gemm;
    cutlass::Status status = gemm.can_implement(arguments);
    if (status == cutlass::Status::kSuccess) status = gemm.initialize(arguments);
    if (status == cutlass::Status::kSuccess) status = gemm.run();
    if (status != cutlass::Status::kSuccess) return cutlassGetStatusString(status);
    const cudaError_t error = cudaDeviceSynchronize();
    return error == cudaSuccess ? "" : cudaGetErrorString(error);
  }
};

struct DenseS8 {
  using A = int8_t;
  using OperandA = int8_t;
  using B = int8_t;
  using Sum = int32_t;
  using LayoutD = cutlass::layout::RowMajor;
  static constexpr int kAlignmentA = 16, kAlignmentB = 16;
};

struct MixedInt2 {
  using A = cutlass::int2b_t;
  using OperandA = cute::tuple<A>;
  using B = cutlass::bfloat16_t;
  using Sum = float;
  using LayoutD = cutlass::layout::ColumnMajor;
  static constexpr int kAlignmentA = 64, kAlignmentB = 8;
};

}  // namespace ternary::softgpu

#endif  // TERNARY_SOFTGPU_TESTS_ACCEPTANCE_STOCK_KERNEL_CUH_
