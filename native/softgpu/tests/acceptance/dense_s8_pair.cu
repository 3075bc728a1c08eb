#include "softgpu/tests/acceptance/stock_kernel.cuh"

namespace ternary::softgpu {
namespace {

struct Traits : DenseS8 {
  using TileShape = cute::Shape<cute::_256, cute::_256, cute::_128>;
  using ClusterShape = cute::Shape<cute::_2, cute::_1, cute::_1>;
  using Schedule = cutlass::gemm::KernelTmaWarpSpecialized2SmSm100;
  using EpilogueSchedule = cutlass::epilogue::TmaWarpSpecialized2Sm;
};

}  // namespace

const char* dense_s8_pair(const StockProduct& product) { return StockKernel<Traits>::run(product); }

}  // namespace ternary::softgpu
