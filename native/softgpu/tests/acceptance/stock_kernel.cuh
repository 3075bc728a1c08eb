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

/** `Traits` names types, tile, cluster, schedules and alignments, and what the epilogue makes of sums. */
template <class Traits>
struct StockKernel {
  using Arch = cutlass::arch::Sm100;
  using TensorOp = cutlass::arch::OpClassTensorOp;
  using Sum = typename Traits::Sum;
  static constexpr int kAlignmentD = 16 / sizeof(Sum);

  using Epilogue = typename cutlass::epilogue::collective::CollectiveBuilder<
      Arch, TensorOp, typename Traits::TileShape, typename Traits::ClusterShape,
      cutlass::epilogue::collective::EpilogueTileAuto, Sum, Sum, void, typename Traits::LayoutD, kAlignmentD, Sum,
      typename Traits::LayoutD, kAlignmentD, typename Traits::EpilogueSchedule, typename Traits::Fusion>::CollectiveOp;
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
        {{}, nullptr, {}, static_cast<Sum*>(product.d), d}};
    Traits::fuse(product, &arguments.epilogue.thread);
    arguments.hw_info.sm_count = 148;
    Gemm gemm;
    cutlass::Status status = gemm.can_implement(arguments);
    if (status == cutlass::Status::kSuccess) status = gemm.initialize(arguments, nullptr, product.stream);
    if (status == cutlass::Status::kSuccess) status = gemm.run(product.stream, nullptr, product.programmatic);
    return status == cutlass::Status::kSuccess ? "" : cutlassGetStatusString(status);
  }
};

/** Sums as they are. */
template <class Sum>
struct Plain {
  using Fusion = cutlass::epilogue::fusion::LinearCombination<Sum, Sum, void, Sum>;
  template <class Arguments>
  static void fuse(const StockProduct&, Arguments* to) {
    to->alpha = 1;
    to->beta = 0;
  }
};

/** Sums times a scale of the column times one of the row. */
template <class TileShape>
struct Scaled {
  using Rows = cutlass::epilogue::fusion::Sm90ColBroadcast<0, TileShape, float>;
  using Columns = cutlass::epilogue::fusion::Sm90RowBroadcast<0, TileShape, float>;
  using Times = cutlass::epilogue::fusion::Sm90Compute<cutlass::multiplies, float, float,
                                                       cutlass::FloatRoundStyle::round_to_nearest>;
  using Fusion = cutlass::epilogue::fusion::Sm90EVT<
      Times, Rows, cutlass::epilogue::fusion::Sm90EVT<Times, Columns, cutlass::epilogue::fusion::Sm90AccFetch>>;
  template <class Arguments>
  static void fuse(const StockProduct& product, Arguments* to) {
    *to = {{product.row_scales}, {{product.column_scales}, {}, {}}, {}};
  }
};

struct DenseS8 : Plain<int32_t> {
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
