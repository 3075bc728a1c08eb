#include "core/cost/cost.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <utility>

#include "abi/cuda_layout.h"
#include "core/base/failure.h"

namespace ternary {
namespace {

/** A warp of a kernel alone on its scheduler waits for itself every other time: assumed, of loops with many chains. */
constexpr double kIssueOfOneWarp = 0.5;
/** The part of the shorter of two times, memory's and instructions', that the longer does not hide: assumed. */
constexpr double kSeen = 0.1;
/** Registers of an SM, and how many a warp takes at a time (all of 8.0 to 12.1). */
constexpr int kSmRegisters = 64 << 10, kRegisterMultiple = 256;
/** Making a row ready inside another kernel: instructions an element, and the time of its barriers. */
constexpr double kFusedInstructions = 12, kFusedRowUs = 0.8;
/** The kernel that makes rows ready: three passes over shared memory for the longest of them. */
constexpr double kActivationsUs = 1.5, kActivationsUsPerColumn = 1e-4;
/** Adding up the parts of split sums. */
constexpr double kSplitUs = 1.0;

/** Steps of 16 rows of W that are multiplied: a GEMM's CTAs compute their whole patch, eight rows of X a step. */
double work_steps(const CostCode& code, const CostProblem& p) {
  const double columns = static_cast<double>(round_up(p.K, 32)) / 32;
  if (code.row->gemv()) return static_cast<double>(ceil_div(p.N, 16)) * columns;
  return static_cast<double>(round_up(p.N, code.shape.patch_n) / 16) * columns *
         static_cast<double>(round_up(p.M, code.shape.patch_m) / 8);
}

/** Clocks of one SM for a step: the slowest pipe, or the issue of all by `warps` warps. */
double step_clocks(const CostDevice& d, const CostCode& c, double warps) {
  const double issue = std::min(d.issue, warps * kIssueOfOneWarp);
  return std::max({c.slots / issue, c.alu / d.alu, c.multiply / d.multiply, c.idp / d.idp, c.imma / d.imma,
                   c.hmma / d.hmma, c.shared});
}

int64_t ctas_of(const CostCode& code, const CostProblem& p, int splits) {
  if (code.row->gemv()) return ceil_div(p.N, 16) * splits;  // small N: a CTA's warps share K
  return ceil_div(p.N, code.shape.patch_n) * ceil_div(p.M, code.shape.patch_m) * splits;
}

/** The part of the device that a grid keeps busy: whole waves, the last one as full as it is. */
double fill(const CudaRow& row, int64_t ctas, double places) {
  const double waves = static_cast<double>(ctas) / places;
  if (row.gemv() && waves > 1) return 1;  // persistent: CTAs take panels as they come
  return waves / std::ceil(waves);
}

double memory_bytes(const CudaRow& row, const CostProblem& p) {
  const auto M = static_cast<double>(p.M), N = static_cast<double>(p.N), K = static_cast<double>(p.K);
  return static_cast<double>(cuda_layout_bytes(row.layout, p.N, p.K)) + 4 * N +
         M * (K * static_cast<double>(p.x_bytes) + N * static_cast<double>(p.y_bytes));
}

/** Shared memory of a CTA of a GEMV: rows of q, and twice the sums of eight warps (gemv_plan.h). */
int64_t gemv_shared(const CudaRow& row, const CostDevice& d, const CostProblem& p) {
  const int64_t sums = 1024 * p.M, q = p.M * (round_up(p.K, 128) + 64);
  if (row.stage == CudaStage::fused_a8) return q + sums + 4 * std::min<int64_t>(round_up(p.K, 256), 4096);
  return std::min(q + sums, d.shared_bytes / 2 - 1024);  // longer rows come in chunks
}

/** The row of the library that serves, else that of the newest family that the device's follows. */
const CostDevice& row_of_family(const DeviceAttributes& device) {
  const CostDevice* found = &kCostDevices[0];
  for (const CostDevice& row : kCostDevices) {
    if (std::strcmp(row.arch, device.arch) == 0) return row;
    if (row.major <= device.major) found = &row;
  }
  return *found;
}

/** A row with the attributes of the device that it stands for. */
CostDevice scaled(const CostDevice& row, const DeviceAttributes& device) {
  CostDevice scaled = row;
  if (device.sm_count > 0) scaled.sm_count = device.sm_count;
  if (device.clock_khz > 0) scaled.ghz = device.clock_khz / 1e6;
  if (device.memory_clock_khz > 0 && device.memory_bus_bits > 0) {  // two transfers a clock
    scaled.gb_per_s = 2.0 * device.memory_clock_khz * 1e3 * device.memory_bus_bits / 8 / 1e9;
  }
  return scaled;
}

/** An H100 is not like every other, so the named rows are scaled too. */
CostDevice device_row(const DeviceAttributes& device) {
  const auto named = [&](const CostDevice& row) { return device.name.find(row.name) != std::string::npos; };
  const auto row = std::find_if(std::begin(kCostDevices), std::end(kCostDevices), named);
  CostDevice scaled_row = scaled(row == std::end(kCostDevices) ? row_of_family(device) : *row, device);
  scaled_row.arch = device.arch;
  return scaled_row;
}

}  // namespace

int resident_ctas(const CostDevice& d, const CostCode& code, const CostProblem& p) {
  const int64_t warp = round_up(int64_t{32} * code.registers, kRegisterMultiple);
  const int64_t by_registers = kSmRegisters / (warp * (code.shape.threads / 32));
  const int64_t shared = code.static_shared + (code.row->gemv() ? gemv_shared(*code.row, d, p) : code.ring_bytes);
  return static_cast<int>(
      std::max<int64_t>(1, std::min({by_registers, d.threads / int64_t{code.shape.threads}, d.shared_bytes / shared})));
}

CostEstimate estimate_cost(const CostDevice& d, bool pdl, const CostCode& code, const CostProblem& p, int splits) {
  const CudaRow& row = *code.row;
  const int64_t ctas = ctas_of(code, p, splits);
  const double places = d.sm_count * resident_ctas(d, code, p), resident = std::min(static_cast<double>(ctas), places);
  const double ctas_of_sm = std::ceil(resident / d.sm_count);
  // Little's law: what is on its way must cover the latency.
  const double wanted = d.gb_per_s * 1e3 * d.latency_us;
  const double streaming = std::min(1.0, resident * static_cast<double>(code.in_flight) / wanted);
  const double clocks = work_steps(code, p) * step_clocks(d, code, ctas_of_sm * code.shape.threads / 32);
  CostEstimate e = {};
  e.byte_us = memory_bytes(row, p) / (d.gb_per_s * 1e3);
  e.instruction_us = clocks / d.sm_count / (d.ghz * 1e3);
  e.launch_us = d.launch_us;
  const double memory = e.byte_us / streaming, instructions = e.instruction_us / fill(row, ctas, places);
  double us = std::max(memory, instructions) + kSeen * std::min(memory, instructions) + d.latency_us;
  if (splits > 1) us += kSplitUs;
  const auto elements = static_cast<double>(p.M) * static_cast<double>(p.K);
  if (row.stage == CudaStage::fused_a8) {
    us += static_cast<double>(p.M) * kFusedRowUs +
          ctas_of_sm * elements * kFusedInstructions / 32 / d.issue / (d.ghz * 1e3);
  } else {
    e.launch_us += pdl ? d.pdl_launch_us : d.launch_us;
    const double rows_per_sm = std::ceil(static_cast<double>(p.M) / (2 * d.sm_count));
    us += rows_per_sm * (kActivationsUs + kActivationsUsPerColumn * static_cast<double>(p.K));
  }
  e.us = e.launch_us + us;
  return e;
}

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

CudaCost::CudaCost(const DeviceAttributes& device, bool pdl, const FigureLines& figures)
    : device_(device_row(device)), pdl_(pdl), kernels_(cost_kernels(device_.arch, figures)) {}

CudaCost::CudaCost(const char* name, const FigureLines& figures) : device_(kCostDevices[0]), pdl_(false) {
  const auto named = [&](const CostDevice& row) { return std::strcmp(name, row.name) == 0; };
  const auto row = std::find_if(std::begin(kCostDevices), std::end(kCostDevices), named);
  if (row == std::end(kCostDevices)) {
    fail(TERNARY_INVALID_ARGUMENT, "device is \"%s\"; it must be A100, H100, B200, B300 or RTX 5090",
         quotable(name).c_str());
  }
  device_ = *row;
  pdl_ = row->major >= 9;
  kernels_ = cost_kernels(row->arch, figures);
}

const CostCode* CudaCost::code_of(const CudaKernel& kernel, const CostProblem& problem) const {
  for (const CostKernel& known : kernels_) {
    if (std::strcmp(kernel.file, known.row->file) == 0) {
      return known.code_for(problem.M, problem.planes, problem.groups);
    }
  }
  return nullptr;
}

Reason CudaCost::plan(const CudaKernel& kernel, const CudaProblem& problem, CudaPlan& plan, double& us) const {
  const Reason reason = kernel.plan(problem, &plan);
  us = kUnknownCost;
  const auto x_bytes = problem.x_dtype == TERNARY_F32                                        ? 4
                       : problem.x_dtype == TERNARY_F8_E4M3 || problem.x_dtype == TERNARY_I8 ? 1
                                                                                             : 2;
  const CostProblem cost = {
      problem.M,      problem.N,        problem.K, x_bytes, problem.y_dtype == TERNARY_F32 ? 4 : 2,
      problem.planes, problem.group > 0};
  const CostCode* code = code_of(kernel, cost);
  if (code == nullptr) return reason;
  us = estimate_cost(device_, pdl_, *code, cost, plan.splits).us;
  if (problem.splits > 0) return reason;  // the setting's choice
  CudaProblem asked = problem;
  const int most = cuda_most_splits(*code->row, problem.group > 0);
  for (asked.splits = 1; most > 1 && asked.splits <= most; asked.splits *= 2) {
    CudaPlan offered;
    kernel.plan(asked, &offered);
    const double expected = estimate_cost(device_, pdl_, *code, cost, offered.splits).us;
    if (expected < us) {
      us = expected;
      plan = offered;
    }
  }
  return reason;
}

std::optional<CostWinner> CudaCost::best(ternary_layout layout, ternary_activation activation, int64_t M, int64_t N,
                                         int64_t K) const {
  const CostProblem problem = {M, N, K, 2, 2, 1, false};
  const CudaLayout wanted = cuda_layout_of(layout);
  std::optional<CostWinner> best;
  for (const CostKernel& kernel : kernels_) {
    const CudaRow& row = *kernel.row;
    const bool a8 = row.stage != CudaStage::gemm_a16;
    if (row.layout != wanted || a8 != (activation == TERNARY_A8) || M < row.m_min || M > row.m_max) continue;
    const CostCode* code = kernel.code_for(problem.M, problem.planes, problem.groups);
    if (code == nullptr) continue;
    for (int splits = 1; splits <= cuda_most_splits(row, problem.groups); splits *= 2) {
      const CostEstimate e = estimate_cost(device_, pdl_, *code, problem, splits);
      if (!best || e.us * kSameCost < best->estimate.us) best = CostWinner{code, splits, e};
    }
  }
  return best;
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
