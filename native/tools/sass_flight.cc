#include "sass_flight.h"

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <sstream>

namespace ternary::test {
namespace {

/**
 * Threads and bytes of shared memory of an SM: "CUDA C++ Programming Guide", table of compute capabilities. The driver takes
 * 1 KB of a CTA; before sm_90 cuobjdump leaves it out.
 */
struct Sm {
  const char* arch;
  int threads;
  int64_t shared;
  int64_t unsaid;  ///< bytes that the driver takes of a CTA and cuobjdump leaves out
};
constexpr Sm kSms[] = {{"sm80", 2048, 164 << 10, 1024}, {"sm89", 1536, 100 << 10, 1024}, {"sm90a", 2048, 228 << 10, 0},
                       {"sm100a", 2048, 228 << 10, 0},  {"sm100f", 2048, 228 << 10, 0},  {"sm103a", 2048, 228 << 10, 0},
                       {"sm120f", 1536, 100 << 10, 0}};
/** Registers of an SM, and how many a warp takes at a time, of all of these. */
constexpr int64_t kRegistersOfSm = 64 << 10, kRegisterMultiple = 256;

const Sm& sm_of(const std::string& arch) {
  for (const Sm& sm : kSms) {
    if (arch == sm.arch) return sm;
  }
  std::cerr << "tools/sass_flight.cc does not know what an SM of " << arch << " has\n";
  std::exit(EXIT_FAILURE);
}

/** CTAs that an SM holds. Dynamic shared memory of a GEMV depends on its problem and is left out. */
int64_t resident_ctas(const Sm& sm, const CudaRow& row, const CudaVariant& variant, const KernelCode& kernel) {
  if (row.layout == CudaLayout::top2) return 1;  // it has all of the SM's tensor memory
  const auto registers = static_cast<int64_t>(kernel.figures[kRegisters]);
  const int64_t warps = variant.threads / 32;
  const int64_t shared =
      sm.unsaid + static_cast<int64_t>(kernel.figures[kShared]) + (row.gemv() ? 0 : cuda_ring_bytes(row, variant));
  const int64_t fit = std::min({kRegistersOfSm / (warps * round_up(32 * registers, kRegisterMultiple)),
                                int64_t{sm.threads / variant.threads}, sm.shared / std::max(shared, int64_t{1})});
  return row.gemv() ? std::min<int64_t>(fit, kernel.cut_for_ctas) : fit;  // its grid has no more
}

/** Rows of W of a CTA of a pair, or of one alone: those of tensor memory. */
constexpr int kTileRows = 128;

/** Bytes of W of what `ahead` counts: tiles of each warp, or spans of the CTA. */
int64_t unit_bytes(const CudaRow& row, const CudaVariant& variant) {
  return cuda_bytes_ahead(row, variant) / variant.ahead;
}

/** Spans of a GEMM that so many products are. */
double spans_of(const CudaRow& row, const CudaVariant& variant, int products) {
  const bool floats = row.layout == CudaLayout::dense || row.a16();
  const int per_step = floats ? 2 * variant.planes : 1;  // m16n8k16 or m16n8k32 by 16 rows of W, 8 of X, 32 columns
  const int steps = variant.patch_n / 16 * variant.patch_m / 8 * variant.columns / 32 / (variant.threads / 32);
  return static_cast<double>(products) / (steps * per_step);
}

}  // namespace

bool has_pdl(const std::string& arch) { return std::atoi(arch.c_str() + 2) >= 90; }

void add_flight(const std::string& arch, const CudaRow& row, const CudaVariant& variant, KernelCode& kernel) {
  Figures& f = kernel.figures;
  const WeightLoads& weights = kernel.weights;
  f[kCtas] = static_cast<double>(resident_ctas(sm_of(arch), row, variant, kernel));
  if (row.layout == CudaLayout::top2 && kernel.figures[kLoop] > 0) {
    f[kAhead] = variant.ahead;  // by TMA, whose copies machine code does not count: the row's ring
    f[kInFlight] = f[kAhead] * static_cast<double>(unit_bytes(row, variant)) * kTileRows / variant.patch_n;
  }
  if (!row.multiplies() || weights.of_turn == 0) return;
  f[kEarlyLoads] = weights.early;
  f[kAhead] = weights.ahead;
  if (!row.gemv()) {
    f[kAhead] *= spans_of(row, variant, weights.of_way) / weights.of_turn;  // a span's X is copied with its W
    const double spans = spans_of(row, variant, weights.products);
    const int of_byte = row.layout == CudaLayout::t5 ? 5 : 4;
    const double lane = spans * static_cast<double>(cuda_span_weights(row, variant)) * of_byte / variant.threads;
    if (f[kPer16] == 0 && row.layout != CudaLayout::dense) f[kPer16] = 16 * f[kLoop] / lane;
  }
  f[kInFlight] = f[kAhead] * f[kCtas] * static_cast<double>(unit_bytes(row, variant));
}

std::vector<Fault> flight_faults(const std::string& arch, const CudaRow& row, const CudaVariant& variant,
                                 const Figures& figures) {
  std::vector<Fault> faults;
  // The warp that asks for W by TMA waits first: X comes with it.
  if (!row.multiplies() || row.layout == CudaLayout::top2) return faults;
  const auto demand = [&](Figure figure, int64_t least, const char* why) {
    if (figures[figure] >= static_cast<double>(least)) return;
    std::ostringstream sentence;
    sentence << kFigureNames[figure] << " is " << figures[figure] << "; the row's " << variant.ahead << " "
             << (row.gemv() ? "tiles of a warp" : "spans") << " ahead are " << least << " " << why;
    faults.push_back({kFigureNames[figure], sentence.str()});
  };
  const int64_t loads = ceil_div(cuda_bytes_ahead(row, variant), int64_t{16} * variant.threads);
  if (has_pdl(arch)) demand(kEarlyLoads, loads, "loads of W by each thread before griddepcontrol.wait");
  demand(kAhead, variant.ahead, "on their way while a turn of the loop waits for others");
  return faults;
}

}  // namespace ternary::test
