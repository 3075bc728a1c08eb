#include "softgpu/tests/acceptance/stock_kernel.cuh"

namespace ternary::softgpu {
namespace {

using Tile = cute::Shape<cute::_256, cute::_128, cute::_128>;

struct Traits : MixedInt2, Plain<float> {
  using TileShape = Tile;
  using ClusterShape = cute::Shape<cute::_2, cute::_1, cute::_1>;
  using Schedule = cutlass::gemm::KernelTmaWarpSpecialized2SmMixedInputSm100;
  using EpilogueSchedule = cutlass::epilogue::TmaWarpSpecialized2Sm;
};

}  // namespace

const char* mixed_int2_pair(const StockProduct& product) { return StockKernel<Traits>::run(product); }

}  // namespace ternary::softgpu
