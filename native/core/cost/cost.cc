#include "core/cost/cost.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <utility>

#include "abi/cuda_layout.h"
#include "core/base/failure.h"

namespace ternary {
namespace {

/** Products are cut behind multiples of so many rows of X, those of the least patch, and before so many at most. */
constexpr int64_t kCutRows = 32, kMostTailRows = 256;

}  // namespace

void order_choices(CudaChoice* begin, CudaChoice* end) {
  double least = kUnknownCost;
  for (CudaChoice* choice = end; choice != begin;) {
    --choice;
    if (choice->us == kUnknownCost) choice->us = least;
    least = std::min(least, choice->us);
  }
  for (CudaChoice* choice = begin; choice != end; ++choice) {
    if (choice->us <= kSameCost * least) choice->us = least;
    for (CudaChoice* at = choice; at != begin && at->us < at[-1].us; --at) std::swap(at[0], at[-1]);  // stable
  }
}

CudaCost::CudaCost(const DeviceAttributes& device, bool pdl, const Residuals& residuals, const FigureLines& figures)
    : device_(cost_device_of(device)), pdl_(pdl), kernels_(cost_kernels(device_.arch, figures)) {
  for (CostKernel& kernel : kernels_) {
    for (CostCode& code : kernel.codes) code.residual = residuals.factor(device_.name, *kernel.row);
  }
}

CudaCost::CudaCost(const char* name, const FigureLines& figures) : device_(kCostDevices[0]), pdl_(false) {
  const CostDevice* row = find_cost_device(name);
  if (row == nullptr) {
    fail(TERNARY_INVALID_ARGUMENT, "device is \"%s\"; it must be %s", quotable(name).c_str(),
         cost_device_names().c_str());
  }
  device_ = *row;
  pdl_ = row->major >= 9;
  kernels_ = cost_kernels(row->arch, figures);
}

CostEstimate CudaCost::estimate(const CostCode& code, const CostProblem& problem, int splits) const {
  CostEstimate e = estimate_cost(device_, pdl_, code, problem, splits);
  e.us *= code.residual;
  return e;
}

const CostCode* CudaCost::code_of(const CudaKernel& kernel, const CostProblem& problem) const {
  for (const CostKernel& known : kernels_) {
    if (std::strcmp(kernel.file, known.row->file) == 0) {
      return known.code_for(problem.M, problem.planes, problem.units());
    }
  }
  return nullptr;
}

CostProblem cost_problem(const CudaProblem& problem) {
  const auto x_bytes = problem.x_dtype == TERNARY_F32                                        ? 4
                       : problem.x_dtype == TERNARY_F8_E4M3 || problem.x_dtype == TERNARY_I8 ? 1
                                                                                             : 2;
  return {problem.M,      problem.N,     problem.K,    x_bytes, problem.y_dtype == TERNARY_F32 ? 4 : 2,
          problem.planes, problem.group, problem.block};
}

Reason CudaCost::plan(const CudaKernel& kernel, const CudaProblem& problem, CudaPlan& plan, double& us) const {
  const Reason reason = kernel.plan(problem, &plan);
  us = kUnknownCost;
  const CostProblem cost = cost_problem(problem);
  const CostCode* code = code_of(kernel, cost);
  if (code == nullptr) return reason;
  us = estimate(*code, cost, plan.splits).us;
  if (problem.splits > 0) return reason;  // the setting's choice
  CudaProblem asked = problem;
  const int most = cuda_most_splits(*code->row, problem.K, problem.unit());
  for (asked.splits = 1; most > 1 && asked.splits <= most; asked.splits *= 2) {
    CudaPlan offered;
    kernel.plan(asked, &offered);
    const double expected = estimate(*code, cost, offered.splits).us;
    if (expected < us) {
      us = expected;
      plan = offered;
    }
  }
  return reason;
}

std::optional<CostWinner> CudaCost::best_kernel(const CostProblem& problem, CudaLayout layout, bool a8,
                                                Among among) const {
  std::optional<CostWinner> best;
  for (const CostKernel& kernel : kernels_) {
    const CudaRow& row = *kernel.row;
    if (row.layout != layout || a8 != (row.stage != CudaStage::gemm_a16)) continue;
    if (problem.M < row.m_min || problem.M > row.m_max || (row.stage == CudaStage::fused_a8 && among != Among::all))
      continue;
    const CostCode* code = kernel.code_for(problem.M, problem.planes, problem.units());
    if (code == nullptr) continue;
    const int most = cuda_most_splits(row, problem.K, problem.unit());
    for (int splits = 1; splits <= most; splits *= 2) {
      if (!may_split(device_, *code, problem, splits)) continue;
      const CostEstimate e = estimate(*code, problem, splits);
      if (!best || e.us * kSameCost < best->estimate.us) best = CostWinner{code, splits, e};
    }
  }
  return best;
}

std::optional<CostWinner> CudaCost::best_of(CudaLayout layout, const CostProblem& problem, bool a8) const {
  return best_kernel(problem, layout, a8, Among::all);
}

bool CudaCost::prefers(CudaLayout layout, CudaLayout over, const CostProblem& problem, bool a8) const {
  const std::optional<CostWinner> best = best_of(layout, problem, a8), other = best_of(over, problem, a8);
  if (!best || !other) return false;
  const std::optional<CostCut> parts = a8 ? cut(problem, over, other->estimate.us) : std::nullopt;
  return best->estimate.us * kSameCost < (parts ? parts->both.us : other->estimate.us);
}

std::optional<CostCut> CudaCost::cut(const CostProblem& problem, CudaLayout layout, double us) const {
  std::optional<CostCut> best;
  if (problem.M <= kMostGemvRows) return best;
  CostProblem first = problem, second = problem;
  for (second.M = (problem.M - 1) % kCutRows + 1; second.M <= kMostTailRows; second.M += kCutRows) {
    first.M = problem.M - second.M;
    if (first.M == 0) break;
    const std::optional<CostWinner> begin = best_kernel(first, layout, true, Among::staged);
    const std::optional<CostWinner> end = best_kernel(second, layout, true, Among::staged);
    if (!begin || !end) continue;
    const CostEstimate &b = begin->estimate, &e = end->estimate;
    // One kernel makes all rows ready, with one launch.
    const CostEstimate both = {b.us + e.us - device_.launch_us - e.rows_us,
                               b.launch_us + e.launch_us - device_.launch_us,
                               b.byte_us + e.byte_us,
                               b.instruction_us + e.instruction_us,
                               b.l2_us + e.l2_us,
                               b.wait_us + e.wait_us,
                               b.rows_us};
    if (both.us * kSameCost >= us) continue;
    us = both.us;
    best = CostCut{first.M, *begin, *end, both};
  }
  return best;
}

std::optional<CostWinner> CudaCost::best(ternary_layout layout, ternary_activation activation, int64_t M, int64_t N,
                                         int64_t K) const {
  const CostProblem problem = {M, N, K, 2, 2, 1, 0, 0};
  const bool a8 = activation == TERNARY_A8;
  std::optional<CostWinner> best = best_kernel(problem, cuda_layout_of(layout), a8, Among::all);
  if (!best || !a8) return best;
  const std::optional<CostCut> parts = cut(problem, cuda_layout_of(layout), best->estimate.us);
  return parts ? CostWinner{parts->first.code, parts->first.splits, parts->both} : best;
}

std::optional<ternary_prediction> CudaCost::predict(ternary_layout layout, ternary_activation activation, int64_t M,
                                                    int64_t N, int64_t K) const {
  const std::optional<CostWinner> found = best(layout, activation, M, N, K);
  if (!found) return {};
  const CostEstimate& e = found->estimate;
  ternary_prediction prediction = {e.us, e.launch_us, e.byte_us, e.instruction_us, found->splits, {}, {}};
  std::snprintf(prediction.kernel, sizeof prediction.kernel, "%s", found->code->row->name);
  std::snprintf(prediction.device, sizeof prediction.device, "%s", device_.name);
  return prediction;
}

}  // namespace ternary
