#include "core/cuda_cost.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>

#include "core/cuda_cost_tables.h"
#include "core/cuda_device.h"
#include "core/cuda_layout.h"
#include "core/failure.h"

namespace ternary {
namespace {

constexpr double kWeightsOfUnit = 512;  ///< 16 a lane
/** Bytes that a CTA of a GEMV has on their way: eight warps with four loads of 512 bytes. */
constexpr double kBytesInFlight = 8 * 4 * 512;
/** Making a row ready inside another kernel: instructions an element, and the time of its barriers. */
constexpr double kFusedInstructions = 12, kFusedRowUs = 0.8;
/** The kernel that makes rows ready: three passes over shared memory for the longest of them. */
constexpr double kActivationsUs = 1.5, kActivationsUsPerColumn = 1e-4;
/** Adding up the parts of split sums. */
constexpr double kSplitUs = 1.0;

double work_units(const CostProblem& p) {
  return static_cast<double>(round_up(p.N, 16)) * static_cast<double>(round_up(p.K, 32)) / kWeightsOfUnit;
}

/** Clocks of one SM for a unit: the slowest pipe, or the issue of all. */
double unit_clocks(const CostDevice& d, const CostKernel& k, const CostProblem& p) {
  const auto rows = static_cast<double>(p.M), eights = std::ceil(rows / 8), tiles = std::ceil(rows / static_cast<double>(k.m_tile));
  const double planes = k.stage == CudaStage::gemm_a16 ? p.planes : 1;
  const double alu = k.decode * tiles, idp = k.idp * rows, imma = k.imma * eights, hmma = k.hmma * eights * planes;
  const double loads = k.idp > 0 ? 0.25 * rows : 0.5 * eights;  // 16 bytes of q for 16 columns, or both operands of a step
  const double slots = alu + idp + imma * (1 + d.extra_mma) + hmma + loads + k.other * tiles;
  return std::max({slots / d.issue, alu / d.alu, idp / d.idp, imma / d.imma, hmma / d.hmma, loads / d.lds / 4});
}

int64_t ctas_of(const CostKernel& k, const CostProblem& p, int splits) {
  const int64_t panels = ceil_div(p.N, 16);
  if (k.m_max < kAnyRows) return panels * splits;
  return ceil_div(p.N, 128) * ceil_div(p.M, k.m_tile) * splits;
}

/** The part of the device that a grid keeps busy: whole waves, the last one as full as it is. */
double fill(const CostDevice& d, const CostKernel& k, int64_t ctas) {
  const double places = d.sm_count * k.ctas_per_sm, waves = static_cast<double>(ctas) / places;
  if (k.m_max < kAnyRows && waves > 1) return 1;  // persistent: CTAs take panels as they come
  return waves / std::ceil(waves);
}

double memory_bytes(const CostKernel& k, const CostProblem& p) {
  const auto M = static_cast<double>(p.M), N = static_cast<double>(p.N), K = static_cast<double>(p.K);
  return static_cast<double>(cuda_layout_bytes(k.layout, p.N, p.K)) + 4 * N + M * (K * static_cast<double>(p.x_bytes) + N * static_cast<double>(p.y_bytes));
}

const CostKernel* model_of(const CudaKernel& kernel) {
  for (const CostKernel& row : kCostKernels) {
    if (row.stage == kernel.stage && row.layout == kernel.layout && std::strstr(kernel.file, row.file_part) != nullptr) return &row;
  }
  return nullptr;
}

const CostDevice& row_of_family(int major) {
  const CostDevice* row = &kCostDevices[0];
  for (const CostDevice& device : kCostDevices) {
    if (device.major <= major) row = &device;
  }
  return *row;
}

/** A row with the attributes of the device that it stands for. */
CostDevice scaled(const CostDevice& row, const CudaDevice& device) {
  CostDevice scaled = row;
  if (device.sm_count > 0) scaled.sm_count = device.sm_count;
  if (device.clock_khz > 0) scaled.ghz = device.clock_khz / 1e6;
  if (device.memory_clock_khz > 0 && device.memory_bus_bits > 0) {  // two transfers a clock
    scaled.gb_per_s = 2.0 * device.memory_clock_khz * 1e3 * device.memory_bus_bits / 8 / 1e9;
  }
  return scaled;
}

CostDevice device_row(const CudaDevice& device) {
  for (const CostDevice& row : kCostDevices) {
    if (device.name.find(row.name) != std::string::npos) return row;
  }
  CostDevice row = scaled(row_of_family(device.major), device);
  // ptxas pads every int8 mma of sm_103a: 10.4 instructions where others have 6.
  if (device.major == 10 && device.minor == 3) row.extra_mma = 4.4;
  return row;
}

}  // namespace

CostEstimate estimate_cost(const CostDevice& d, bool pdl, const CostKernel& k, const CostProblem& p, int splits) {
  const int64_t ctas = ctas_of(k, p, splits);
  const double filled = fill(d, k, ctas);
  // Little's law: what is on its way must cover the latency.
  const double wanted = d.gb_per_s * 1e3 * d.latency_us, resident = std::min(static_cast<double>(ctas), d.sm_count * k.ctas_per_sm);
  const double streaming = std::min(1.0, resident * kBytesInFlight / wanted);
  CostEstimate e = {};
  e.byte_us = memory_bytes(k, p) / (d.gb_per_s * 1e3);
  e.instruction_us = work_units(p) * unit_clocks(d, k, p) / d.sm_count / (d.ghz * 1e3);
  e.launch_us = d.launch_us;
  double us = std::max(e.byte_us / std::min(streaming, 1.0), e.instruction_us / filled) + d.latency_us;
  if (splits > 1) us += kSplitUs;
  const auto elements = static_cast<double>(p.M) * static_cast<double>(p.K);
  if (k.stage == CudaStage::fused_a8) {
    const double per_sm = std::ceil(resident / d.sm_count);
    us += static_cast<double>(p.M) * kFusedRowUs + per_sm * elements * kFusedInstructions / 32 / d.issue / (d.ghz * 1e3);
  } else {
    e.launch_us += pdl ? d.pdl_launch_us : d.launch_us;
    const double rows_per_sm = std::ceil(static_cast<double>(p.M) / (2 * d.sm_count));
    us += rows_per_sm * (kActivationsUs + kActivationsUsPerColumn * static_cast<double>(p.K));
  }
  e.us = e.launch_us + us;
  return e;
}

CudaCost::CudaCost(const CudaDevice& device, bool pdl) : device_(device_row(device)), pdl_(pdl) {}

CudaCost::CudaCost(const char* name) : device_(kCostDevices[0]), pdl_(false) {
  for (const CostDevice& row : kCostDevices) {
    if (std::strcmp(name, row.name) != 0) continue;
    device_ = row;
    pdl_ = row.major >= 9;
    return;
  }
  fail(TERNARY_INVALID_ARGUMENT, "device is \"%s\"; it must be A100, H100, B200 or RTX 5090", name);
}

void CudaCost::best_splits(const CudaKernel& kernel, const CudaProblem& problem, int& splits, double& us) const {
  const CostKernel* model = model_of(kernel);
  splits = kernel.splits == nullptr ? 1 : kernel.splits(problem);
  us = 0;
  if (model == nullptr) return;  // unknown to the model: the table's word for it
  const auto x_bytes = problem.x_dtype == TERNARY_F32 ? 4 : problem.x_dtype == TERNARY_F8_E4M3 || problem.x_dtype == TERNARY_I8 ? 1 : 2;
  const CostProblem cost = {problem.M, problem.N, problem.K, x_bytes, problem.y_dtype == TERNARY_F32 ? 4 : 2,
                            problem.x_dtype == TERNARY_F32 || problem.norm ? 3 : 1};
  us = estimate_cost(device_, pdl_, *model, cost, splits).us;
  if (problem.splits > 0 || kernel.splits == nullptr) return;  // the setting's choice
  CudaProblem asked = problem;
  for (asked.splits = 1; asked.splits <= 16; asked.splits *= 2) {
    const int offered = kernel.splits(asked);
    const double expected = estimate_cost(device_, pdl_, *model, cost, offered).us;
    if (expected < us) {
      us = expected;
      splits = offered;
    }
  }
}

ternary_prediction CudaCost::predict(ternary_layout layout, ternary_activation activation, int64_t M, int64_t N,
                                     int64_t K) const {
  const CostProblem problem = {M, N, K, 2, 2, 1};
  const CudaLayout wanted = cuda_layout_of(layout);
  ternary_prediction best = {};
  for (const CostKernel& kernel : kCostKernels) {
    const bool a8 = kernel.stage != CudaStage::gemm_a16;
    if (kernel.layout != wanted || a8 != (activation == TERNARY_A8) || M > kernel.m_max) continue;
    for (int splits = 1; splits <= (kernel.stage == CudaStage::gemm_a8 && kernel.m_max < kAnyRows ? 16 : 1); splits *= 2) {
      const CostEstimate e = estimate_cost(device_, pdl_, kernel, problem, splits);
      if (best.kernel[0] != 0 && e.us >= best.microseconds) continue;
      best.microseconds = e.us;
      best.launch_microseconds = e.launch_us;
      best.byte_microseconds = e.byte_us;
      best.instruction_microseconds = e.instruction_us;
      best.splits = splits;
      std::snprintf(best.kernel, sizeof best.kernel, "%s", kernel.name);
    }
  }
  std::snprintf(best.device, sizeof best.device, "%s", device_.name);
  return best;
}

}  // namespace ternary
