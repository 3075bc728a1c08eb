#include "core/cuda_plan.h"

#include <algorithm>
#include <limits>

#include "core/cuda_layout.h"
#include "core/dtype.h"
#include "core/failure.h"
#include "core/weights.h"

namespace ternary {
namespace {

/** The range of TERNARY_I2S_SPLITS. */
constexpr int kMostSplits = 64;

/** Loads of 16 bytes are possible from every row. */
bool rows_aligned(const void* pointer, int64_t ld, ternary_dtype dtype) {
  return (reinterpret_cast<uintptr_t>(pointer) & 15) == 0 && ld * dtype_bytes(dtype) % 16 == 0;
}

CudaProblem problem_of(const CudaRuntime& cuda, const Settings& settings, const Product& p) {
  CudaProblem problem = {};
  problem.M = p.M;
  problem.N = p.weights->N;
  problem.K = p.weights->K;
  problem.group = p.weights->group;
  problem.x_dtype = p.x_dtype;
  problem.y_dtype = p.y_dtype;
  problem.norm = p.norm;
  problem.residual = p.residual != nullptr;
  problem.residual_in_place = p.residual != nullptr && p.residual == p.residual_out;
  problem.x_aligned = rows_aligned(p.x, p.ldx, p.x_dtype) &&
                      (p.residual == nullptr || (rows_aligned(p.residual, p.ld_residual, p.residual_dtype) &&
                                                 rows_aligned(p.residual_out, p.ld_residual, p.residual_dtype)));
  problem.column_alpha = p.weights->column_alpha() != nullptr;
  problem.splits = static_cast<int>(settings.i2s_splits);
  problem.sm_count = cuda.device.sm_count;
  problem.shared_bytes = cuda.device.shared_bytes;
  return problem;
}

bool serves(const CudaKernel& kernel, ternary_activation activation) {
  return activation == TERNARY_A8 ? kernel.stage == CudaStage::gemm_a8 || kernel.stage == CudaStage::fused_a8
                                  : kernel.stage == CudaStage::gemm_a16;
}

bool in_range(const CudaKernel& kernel, int64_t M) { return M >= kernel.m_min && M <= kernel.m_max; }

/** Rows for an activation and layout whose range of M has this M; all of the layout if none has it, so that they
 *  refuse. */
std::vector<const CudaKernel*> candidates(const CudaBackend& backend, ternary_activation activation, CudaLayout layout,
                                          int64_t M) {
  std::vector<const CudaKernel*> rows, in;
  for (int row = 0; row < backend.kernel_count; ++row) {
    const CudaKernel& kernel = backend.kernels[row];
    if (!serves(kernel, activation) || kernel.layout != layout) continue;
    rows.push_back(&kernel);
    if (in_range(kernel, M)) in.push_back(&kernel);
  }
  return in.empty() ? rows : in;
}

Reason reason_against(const CudaKernel& kernel, const CudaProblem& problem, const Settings& settings) {
  if (!in_range(kernel, problem.M)) return Reason::m_range;
  if (problem.K > kernel.k_max) return Reason::k_range;
  // A16 has no dense kernel that could serve instead.
  const bool skips = kernel.layout != CudaLayout::dense && kernel.stage != CudaStage::gemm_a16;
  if (skips && settings.prefill_skip_m > 0 && problem.M > settings.prefill_skip_m) return Reason::setting;
  return kernel.refusal == nullptr ? Reason::none : kernel.refusal(problem);
}

/** A kernel with its splits, and the microseconds that the cost model expects. */
struct Choice {
  const CudaKernel* kernel;
  int splits;
  double cost;
};

std::vector<Choice> by_cost(const CudaRuntime& cuda, const Settings& settings, const CudaProblem& problem,
                            const std::vector<const CudaKernel*>& rows) {
  std::vector<Choice> choices;
  for (const CudaKernel* kernel : rows) {
    if (kernel->stage == CudaStage::fused_a8 && problem.norm && !settings.fuse_rmsnorm_qkv) continue;
    choices.push_back({kernel, 1, 0});
    if (in_range(*kernel, problem.M)) {
      cuda.cost.best_splits(*kernel, problem, choices.back().splits, choices.back().cost);
    }
  }
  double least = std::numeric_limits<double>::infinity();
  for (const Choice& choice : choices) least = std::min(least, choice.cost);
  const auto seen = [&](const Choice& choice) { return choice.cost <= kSameCost * least ? least : choice.cost; };
  std::stable_sort(choices.begin(), choices.end(), [&](const Choice& a, const Choice& b) { return seen(a) < seen(b); });
  return choices;
}

/** How X is given to an A16 product: as it is where it is of a type that tensor cores read, else
 *  in fp32's three parts. */
void set_planes(const Product& p, CudaPlan& plan) {
  const bool as_it_is = !p.norm && p.weights->column_alpha() == nullptr && p.x_scale == nullptr;
  plan.plane_f16 = as_it_is && p.x_dtype == TERNARY_F16;
  plan.plane_count = plan.plane_f16 || (as_it_is && p.x_dtype == TERNARY_BF16) ? 1 : 3;
}

int64_t groups_of(const CudaProblem& problem) { return problem.group == 0 ? 1 : ceil_div(problem.K, problem.group); }

CudaPlaces lay_out(const CudaPlan& plan) {
  CudaPlaces places;
  int64_t end = 0;
  const auto place = [&](int64_t bytes) {
    const int64_t at = end;
    end = round_up(end + bytes, kWorkspaceAlignment);
    return at;
  };
  const int64_t M = plan.problem.M;
  places.partial = place(plan.partial_bytes);
  if (plan.kernel->stage == CudaStage::gemm_a16) places.planes = place(plan.plane_count * M * plan.padded * 2);
  if (plan.kernel->stage == CudaStage::gemm_a8) {
    places.q = place(M * plan.padded);
    places.s = place(M * 4);
    places.q_sums = place(M * groups_of(plan.problem) * 4);
  }
  places.bytes = end;
  return places;
}

void finish_plan(const CudaKernel& kernel, int splits, CudaPlan& plan) {
  plan.kernel = &kernel;
  plan.splits = splits;
  plan.padded = cuda_padded_columns(kernel.layout, plan.problem.K);
  plan.clear_bytes = 0;
  plan.partial_bytes = kernel.workspace == nullptr ? 0 : kernel.workspace(plan.problem, splits, &plan.clear_bytes);
  plan.places = lay_out(plan);
}

}  // namespace

CudaPlan plan_product(const CudaRuntime& cuda, const Settings& settings, const Product& product,
                      std::vector<CudaRefusal>& refusals) {
  CudaPlan plan;
  set_planes(product, plan);
  plan.problem = problem_of(cuda, settings, product);
  plan.problem.planes = plan.plane_count;
  for (const CudaLayout layout : {cuda_layout_of(product.weights->layout), CudaLayout::dense}) {
    const auto rows = candidates(*cuda.device.backend, product.activation, layout, product.M);
    for (const Choice& choice : by_cost(cuda, settings, plan.problem, rows)) {
      const Reason reason = reason_against(*choice.kernel, plan.problem, settings);
      if (reason == Reason::none) {
        finish_plan(*choice.kernel, choice.splits, plan);
        return plan;
      }
      refusals.push_back({choice.kernel, reason});
    }
  }
  return plan;
}

const CudaKernel& activation_row(const CudaRuntime& cuda) {
  const CudaBackend& backend = *cuda.device.backend;
  for (int row = 0; row < backend.kernel_count; ++row) {
    if (backend.kernels[row].stage == CudaStage::activations) return backend.kernels[row];
  }
  fail(TERNARY_UNSUPPORTED, "the library %s has no kernel for activations", backend.arch);
}

namespace {

/** The most that a kernel needs for M rows whatever splits are asked for. */
int64_t most_for(const CudaKernel& kernel, int64_t M, CudaPlan& plan) {
  int64_t most = 0;
  plan.problem.M = M;
  for (plan.problem.splits = 0; plan.problem.splits <= kMostSplits; ++plan.problem.splits) {
    const int splits = kernel.splits == nullptr ? 1 : kernel.splits(plan.problem);
    finish_plan(kernel, splits, plan);
    most = std::max(most, plan.places.bytes);
  }
  return most;
}

}  // namespace

int64_t most_workspace(const CudaRuntime& cuda, const ternary_weights& weights, ternary_activation activation,
                       int64_t M) {
  const CudaBackend& backend = *cuda.device.backend;
  int64_t most = 0;
  for (int row = 0; row < backend.kernel_count; ++row) {
    const CudaKernel& kernel = backend.kernels[row];
    if (!serves(kernel, activation)) continue;
    CudaPlan plan;
    plan.plane_count = plan.problem.planes = 3;
    plan.problem.N = weights.N;
    plan.problem.K = weights.K;
    plan.problem.group = weights.group;
    plan.problem.sm_count = cuda.device.sm_count;
    plan.problem.shared_bytes = cuda.device.shared_bytes;
    // Kernels plan a few rows each in its own way; of many they take patches, and need the more the more there are.
    const int64_t last = std::min(M, kernel.m_max);
    for (int64_t m = kernel.m_min; m < last; m += m < 64 ? 1 : m < 1024 ? 16 : m / 2) {
      most = std::max(most, most_for(kernel, m, plan));
    }
    if (last >= kernel.m_min) most = std::max(most, most_for(kernel, last, plan));
  }
  return most;
}

}  // namespace ternary
