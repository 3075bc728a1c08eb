// Sums over the slots of a row: some CTAs share its columns.
#include "cuda/device/pdl.cuh"
#include "cuda/device/variant.h"
#include "cuda/experts/slot_sum.cuh"
#include "cuda/kernels.h"

namespace ternary::cuda {
namespace {

constexpr int kThreads = 256;

/** `pieces` CTAs share the columns of a row. */
__global__ void __launch_bounds__(kThreads) combine_any_row_kernel(const CudaCombineTask t, int pieces) {
  __shared__ RowSlots slots;
  pdl_launch_dependents();
  pdl_wait();
  const int64_t all = t.M * pieces;
  for (int64_t i = blockIdx.x; i < all; i += gridDim.x) {
    const int64_t m = i / pieces, piece = i - m * pieces;
    finish_columns(t, m, piece * kThreads, t.rows.H, static_cast<int64_t>(pieces) * kThreads, piece == 0, slots);
  }
}

}  // namespace

TERNARY_CUDA_VARIANT(combine_any_row, any, combine_any_row_kernel)

int combine_any_row(const CudaCombineTask& task, const CudaLaunch& how) {
  const int64_t pieces = ceil_div(task.rows.H, kThreads), most = 1 << 16;
  const int64_t ctas = pieces * task.M;
  return launch<combine_any_row_kernel>(how, dim3(static_cast<unsigned>(ctas < most ? ctas : most)), dim3(kThreads), 0,
                                        1, task, static_cast<int>(pieces < most ? pieces : most));
}

}  // namespace ternary::cuda
