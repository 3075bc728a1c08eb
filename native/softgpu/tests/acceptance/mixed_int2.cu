#include "softgpu/tests/acceptance/stock_kernel.cuh"

namespace ternary::softgpu {
namespace {

using Tile = cute::Shape<cute::_128, cute::_64, cute::_128>;

struct Traits : MixedInt2, Scaled<Tile> {
  using TileShape = Tile;
  using ClusterShape = cute::Shape<cute::_1, cute::_1, cute::_1>;
  using Schedule = cutlass::gemm::KernelTmaWarpSpecialized1SmMixedInputSm100;
  using EpilogueSchedule = cutlass::epilogue::TmaWarpSpecialized1Sm;
};

}  // namespace

const char* mixed_int2(const StockProduct& product) { return StockKernel<Traits>::run(product); }

}  // namespace ternary::softgpu
