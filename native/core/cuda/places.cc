#include "core/cuda/places.h"

#include <algorithm>

#include "abi/cuda_layout.h"
#include "core/cost/cost.h"
#include "core/cuda/top2.h"

namespace ternary {
namespace {

/** The range of TERNARY_I2S_SPLITS. */
constexpr int kMostSplits = 64;

CudaPlaces lay_out(const CudaKernel& kernel, const CudaProblem& problem, const CudaProductPlan& plan) {
  CudaPlaces places = {};
  int64_t end = 0;
  const auto place = [&](int64_t bytes) {
    const int64_t at = end;
    end = round_up(end + bytes, kWorkspaceAlignment);
    return at;
  };
  const int64_t M = problem.M;
  places.tail_partial = place(plan.tail_launch.partial_bytes);
  places.partial = place(plan.launch.partial_bytes);  // behind it, so that what must be zero is one range
  const bool a8 = kernel.stage == CudaStage::gemm_a8;
  if (takes_planes(kernel)) places.planes = place(plan.plane_count * M * plan.padded * 2);
  if (a8) places.s = place(M * scales_of_row(problem.K, problem.block) * 4);
  if (a8 && !takes_planes(kernel)) {
    places.q = place(M * plan.padded);
    places.q_sums = place(M * sums_of_row(problem.K, problem.unit()) * 4);
  }
  places.bytes = end;
  return places;
}

}  // namespace

bool takes_planes(const CudaKernel& kernel) {
  return kernel.stage == CudaStage::gemm_a16 || kernel.layout == CudaLayout::top2;
}

bool serves(const CudaKernel& kernel, ternary_activation activation) {
  return activation == TERNARY_A8 ? kernel.stage == CudaStage::gemm_a8 || kernel.stage == CudaStage::fused_a8
                                  : kernel.stage == CudaStage::gemm_a16;
}

void finish(const CudaKernel& kernel, const CudaPlan& launch, const CudaProblem& problem, CudaProductPlan& plan) {
  plan.kernel = &kernel;
  plan.launch = launch;
  plan.padded = cuda_padded_columns(kernel.layout, problem.K);
  if (kernel.stage == CudaStage::gemm_a8 && takes_planes(kernel)) {
    plan.plane_count = 1;
    plan.plane_f16 = 0;
  }
  plan.places = lay_out(kernel, problem, plan);
}

namespace {

/** The most that kernels need of a workspace; of it for all but sums of splits; for those of splits that cuts choose. */
struct Most {
  int64_t bytes = 0, rest = 0, cut_partial = 0;

  void add(const Most& other) {
    bytes = std::max(bytes, other.bytes);
    rest = std::max(rest, other.rest);
    cut_partial = std::max(cut_partial, other.cut_partial);
  }
};

/** Of a kernel for a problem whatever splits are asked for. `splits`: set where K can be split. */
Most most_for(const CudaKernel& kernel, CudaProblem problem, bool& splits) {
  Most most;
  for (problem.splits = 0; problem.splits <= kMostSplits; ++problem.splits) {
    CudaProductPlan plan = {};
    plan.plane_count = problem.planes;
    CudaPlan launch;
    kernel.plan(problem, &launch);
    finish(kernel, launch, problem, plan);
    const int64_t partial = round_up(launch.partial_bytes, kWorkspaceAlignment);
    const bool power_of_two = problem.splits > 0 && (problem.splits & (problem.splits - 1)) == 0;
    most.add({plan.places.bytes, plan.places.bytes - partial, power_of_two ? partial : 0});
    splits = splits || launch.splits > 1;
  }
  return most;
}

/**
 * The same for 1 ... M rows. Kernels of a few rows plan each in its own way. The others take patches of whole eights, so
 * the last of eight needs the most, and split K the less the more patches there are: the first that is not split is
 * needed no more than any after it.
 */
Most most_for_rows(const CudaKernel& kernel, CudaProblem problem, int64_t M) {
  const int64_t last = std::min(M, kernel.m_max), step = kernel.m_max <= 64 ? 1 : 8;
  Most most;
  if (last < kernel.m_min) return most;
  bool splits = true;
  for (int64_t m = kernel.m_min; m < last && splits; m = round_up(m + 1, step)) {
    splits = step == 1;
    problem.M = m;
    most.add(most_for(kernel, problem, splits));
  }
  problem.M = last;
  most.add(most_for(kernel, problem, splits));
  return most;
}

}  // namespace

int64_t most_workspace(const CudaRuntime& cuda, const ternary_layer& layer, int64_t M) {
  const ternary_weights& weights = layer.weights;
  const ternary_activation activation = layer.activation;
  const bool top2 = keeps_top2(cuda, layer);
  CudaProblem problem = {};
  problem.N = weights.N;
  problem.K = weights.K;
  problem.group = weights.group;
  problem.block = layer.block;
  problem.rotation = layer.rotation;
  problem.sm_count = cuda.device.sm_count;
  problem.shared_bytes = cuda.device.shared_bytes;
  Most most;
  cuda.device.each_kernel([&](const CudaKernel& kernel, const CudaBackend&) {
    if (!serves(kernel, activation) || (kernel.layout == CudaLayout::top2 && !top2)) return;
    for (problem.planes = kernel.stage == CudaStage::gemm_a16 ? 1 : 3; problem.planes <= 3; problem.planes += 2) {
      most.add(most_for_rows(kernel, problem, M));
    }
  });
  // A product that is cut has all rows ready, and may have sums of splits of both parts.
  const bool cuts = activation == TERNARY_A8 && M > kMostGemvRows;
  return cuts ? std::max(most.bytes, most.rest + 2 * most.cut_partial) : most.bytes;
}

}  // namespace ternary
