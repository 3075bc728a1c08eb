#include "core/cuda/top2.h"

#include "abi/cuda_layout.h"

namespace ternary {
namespace {

/** A layer of which nobody said so is for 1 to as many rows of X. */
constexpr int64_t kFewRows = 16;

/** Whether the model expects the layer's products of so many rows to take less time with the second arrangement. */
bool pays(const CudaRuntime& cuda, const ternary_layer& layer, int64_t rows) {
  CostProblem problem = {};
  problem.M = rows;
  problem.N = layer.weights.N;
  problem.K = layer.weights.K;
  problem.x_bytes = problem.y_bytes = 2;
  problem.planes = 1;
  return cuda.cost.prefers(CudaLayout::top2, cuda_layout_of(layer.weights.layout), problem,
                           layer.activation == TERNARY_A8);
}

}  // namespace

bool is_for_top2(CutlassChoice choice, const ternary_layer& layer) {
  return choice == CutlassChoice::always || (choice == CutlassChoice::automatic && layer.expected_rows > kFewRows);
}

bool asks_top2(const CudaRuntime& cuda, const ternary_layer& layer) {
  if (cuda.top2 == Top2Kernels::none || !is_for_top2(cuda.cutlass, layer)) return false;
  return cuda.cutlass == CutlassChoice::always || pays(cuda, layer, layer.expected_rows);
}

bool keeps_top2(const CudaRuntime& cuda, const ternary_layer& layer) {
  const bool exact = layer.activation != TERNARY_A8 || layer.weights.K <= kExactFloatK;
  return cuda.top2 == Top2Kernels::right && layer.weights.group == 0 && exact && asks_top2(cuda, layer);
}

}  // namespace ternary
