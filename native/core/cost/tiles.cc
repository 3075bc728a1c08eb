#include "core/cost/tiles.h"

#include <algorithm>
#include <cmath>

namespace ternary {
namespace {

/** Warps that decode W, one on each scheduler; rows of X that a step of the epilogue writes. */
constexpr int kDecodeWarps = 4, kSetRows = 16;
/** tcgen05.mma reads A from tensor memory, 128 rows a time: for fewer rows of X than this it takes as long. Assumed. */
constexpr int kLeastRows = 64;
/** Bytes a clock of shared memory, in or out: what a copy brings is read once. A pair has half of X each. Assumed. */
constexpr double kSharedBytes = 128;
/** Before a CTA's first copy: tensor memory is taken, barriers and tensor maps are made ready. Assumed. */
constexpr double kSetUpUs = 1.0;
/**
 * The epilogue's step of 16 rows of X: some 220 instructions of a thread in write(), counted in the machine code of
 * 2026-11-30. Its four warps issue as those that decode. Before the first step the latency of the L2 for the scales, assumed.
 */
constexpr double kSetInstructions = 220, kScalesUs = 0.3;

/** A patch from tensor memory to Y, or to the sums of splits. */
double epilogue_us(const CostDevice& d, const CostCode& code, const CostProblem& p) {
  const int64_t rows = std::min<int64_t>(code.shape.patch_m, round_up(p.M, kSetRows));
  return kScalesUs + static_cast<double>(rows) / kSetRows * kSetInstructions / kIssueOfOneWarp / (d.ghz * 1e3);
}

/** Between the L2 and the SMs: W for each patch along M, bf16 of X for each along N, Y. */
double l2_bytes(const CostCode& code, const CostProblem& p) {
  const auto w_reads = static_cast<double>(ceil_div(p.M, code.shape.patch_m)),
             x_reads = static_cast<double>(ceil_div(p.N, code.shape.patch_n));
  return w_reads * static_cast<double>(cuda_layout_bytes(code.row->layout, p.N, p.K)) +
         x_reads * 2 * static_cast<double>(p.M) * static_cast<double>(p.K) + y_bytes(p);
}

/** As before any product, and q is bf16, a byte more an element; it clears the sums of splits. */
double rows_us(const CostDevice& d, const CostCode& code, const CostProblem& p, const TileShare& s, int splits) {
  const bool a8 = code.row->stage == CudaStage::gemm_a8;
  const double more = (a8 ? static_cast<double>(p.M) * static_cast<double>(p.K) : 0) + (splits > 1 ? s.sum_bytes : 0);
  return staged_rows_us(d, p) + more / d.l2_bytes_per_us();
}

/** Parts of K are added to sums in memory, which the last CTA reads. */
double split_us(const CostDevice& d, const TileShare& s, int splits) {
  return splits == 1 ? 0 : kTicketUs + (kAtomic * splits + 1) * s.sum_bytes / d.l2_bytes_per_us();
}

}  // namespace

double TileTurn::longest() const { return std::max({multiply, decode, shared, wait}); }

TileTurn turn_of(const CostDevice& d, const CostCode& code) {
  const CudaVariant& shape = code.shape;
  const double clocks_us = d.ghz * 1e3, columns = shape.columns;
  const int rows = std::max(kLeastRows, shape.patch_m);
  const double bytes = columns * kTileRows / 4 + columns * 2 * shape.patch_m * kTileRows / shape.patch_n;
  TileTurn turn = {};
  turn.multiply = kTileRows * columns * rows / d.tile_macs / clocks_us;
  turn.decode = kTileRows / 16.0 * columns / 32 * step_clocks(d, code, kDecodeWarps) / clocks_us;
  turn.shared = 2 * bytes / kSharedBytes / clocks_us;
  turn.wait = d.latency_us / shape.depth;
  return turn;
}

CostEstimate estimate_tiles(const CostDevice& d, bool pdl, const CostCode& code, const CostProblem& p, int splits) {
  const TileShare s = share_tiles(d, code, p, splits);
  const TileTurn turn = turn_of(d, code);
  const double piece = s.turns * turn.longest(), written = epilogue_us(d, code, p);
  CostEstimate e = {};
  e.launch_us = d.launch_us + (pdl ? d.pdl_launch_us : d.launch_us);
  e.byte_us = memory_bytes(code, p) / d.bytes_per_us();
  e.l2_us = l2_bytes(code, p) / d.l2_bytes_per_us();
  e.wait_us = s.rounds * s.turns * turn.wait;
  e.instruction_us = s.pieces / s.places * s.turns * std::max({turn.multiply, turn.decode, turn.shared});
  // Weights come with X, behind the wait: under PDL only what a CTA sets up runs beside the kernel before.
  const double rows = rows_us(d, code, p, s, splits);
  e.rows_us = pdl ? std::max(rows, kSetUpUs) : rows + kSetUpUs;
  // The first turn is decoded and then multiplied. A piece is written while the next is multiplied.
  const double fill = turn.decode + turn.multiply;
  const double busiest = fill + s.rounds * std::max(piece, written) + std::min(piece, written);
  const double memory = std::max(e.byte_us, e.l2_us);
  e.us = e.launch_us + e.rows_us + d.latency_us + std::max(memory, busiest) + kSeen * std::min(memory, busiest) +
         split_us(d, s, splits);
  return e;
}

}  // namespace ternary
