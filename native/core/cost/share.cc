#include "core/cost/share.h"

#include <algorithm>
#include <cmath>

#include "abi/cuda_layout.h"
#include "abi/cuda_share.h"

namespace ternary {
namespace {

/** Registers of an SM, and how many a warp takes at a time (all of 8.0 to 12.1). */
constexpr int kSmRegisters = 64 << 10, kRegisterMultiple = 256;

/** Shared memory of a CTA of a GEMV besides q: twice the sums of eight warps (gemv_plan.h). */
int64_t gemv_sums(const CostProblem& p) { return 1024 * p.M; }
int64_t gemv_q(const CostProblem& p, int64_t columns) { return p.M * (round_up(columns, 128) + 64); }

/** With units, W's ring: what eight warps have on their way, and a span in use. */
int64_t gemv_ring(const CostCode& code, const CostProblem& p) {
  const int64_t span = code.row->layout == CudaLayout::t5 ? 2 : 1;
  return p.unit() == 0 ? 0 : kGemvWarps * (code.shape.ahead + span) * kCudaTileBytes;
}

/** q of a CTA's part of K lies in shared memory while two CTAs share the SM. */
bool q_stays(const CostDevice& d, const CostCode& code, const CostProblem& p, int splits) {
  return code.row->stage == CudaStage::fused_a8 ||
         gemv_q(p, ceil_div(p.K, splits)) + gemv_sums(p) + gemv_ring(code, p) <= d.shared_bytes / 2 - 1024;
}

int64_t gemv_shared(const CostDevice& d, const CostCode& code, const CostProblem& p) {
  const int64_t all = gemv_q(p, p.K) + gemv_sums(p) + gemv_ring(code, p);
  if (code.row->stage == CudaStage::fused_a8) return all + 4 * std::min<int64_t>(round_up(p.K, 256), 4096);
  return std::min(all, d.shared_bytes / 2 - 1024);  // longer rows come in chunks
}

CostShare gemv_share(const CostDevice& d, const CostCode& code, const CostProblem& p, int splits) {
  const CudaRow& row = *code.row;
  const int64_t panels = ceil_div(p.N, 16), tiles = ceil_div(p.K, cuda_tile_columns(row.layout));
  const int64_t turn = code.shape.ahead;  // a slab, or with units a span, has what is on its way
  const int64_t parts = p.unit() > 0 ? ceil_div(p.K, kStretchColumns) : ceil_div(ceil_div(tiles, turn), splits);
  int64_t k_warps = 1;
  if (p.unit() == 0) {
    k_warps =
        cuda_gemv_k_warps({d.major, static_cast<int64_t>(d.sm_count), code.shape.ctas, panels, parts, turn, splits});
  } else {
    const double busy = d.sm_count * static_cast<double>(cuda_busy_warps(d.major, turn));
    while (k_warps < kGemvWarps && 2 * k_warps <= parts && static_cast<double>(panels * k_warps) < busy) k_warps *= 2;
  }
  const int64_t set_panels = kGemvWarps / k_warps, sets = ceil_div(panels, set_panels);
  const int64_t places = static_cast<int64_t>(d.sm_count) * std::min(code.shape.ctas, resident_ctas(d, code, p));
  const int64_t columns = std::min(sets, std::max<int64_t>(1, places / splits));  // CTAs beside each other along N
  // The busiest warp's tiles of a piece, and how many of them it has on its way.
  const int64_t part_tiles = ceil_div(tiles, parts * (p.unit() > 0 ? 1 : splits));
  const int64_t warp_tiles = std::min(ceil_div(tiles, splits), ceil_div(parts, k_warps) * part_tiles);
  const int64_t ahead = std::min<int64_t>(code.shape.ahead, warp_tiles);
  CostShare s = {};
  s.pieces = static_cast<double>(sets * splits);
  s.ctas = static_cast<double>(columns * splits);
  s.sharers = 1;
  s.piece_steps = static_cast<double>(std::min(set_panels, panels) * ceil_div(p.K, 32)) / splits;
  s.cta_bytes = static_cast<double>(std::min(panels * k_warps, int64_t{kGemvWarps}) * ahead * kCudaTileBytes);
  s.trips = std::ceil(static_cast<double>(warp_tiles) / static_cast<double>(ahead));
  s.w_reads = 1;
  s.x_reads = static_cast<double>(q_stays(d, code, p, splits) ? columns : sets);
  return s;
}

CostShare gemm_share(const CostDevice& d, const CostCode& code, const CostProblem& p, int splits) {
  return share_patches(d, code, p, {ceil_div(p.N, code.shape.patch_n), ceil_div(p.M, code.shape.patch_m), 1, splits});
}

/** CTAs that share a patch of a kernel of top2. */
int tile_ctas(const CostCode& code) { return code.shape.patch_n / kTileRows; }

}  // namespace

int resident_ctas(const CostDevice& d, const CostCode& code, const CostProblem& p) {
  const int64_t warp = round_up(int64_t{32} * code.registers, kRegisterMultiple);
  const int64_t by_registers = kSmRegisters / (warp * (code.shape.threads / 32));
  const int64_t shared = code.static_shared + (code.row->gemv() ? gemv_shared(d, code, p) : code.ring_bytes);
  return static_cast<int>(
      std::max<int64_t>(1, std::min({by_registers, d.threads / int64_t{code.shape.threads}, d.shared_bytes / shared})));
}

bool may_split(const CostDevice& d, const CostCode& code, const CostProblem& p, int splits) {
  if (code.row->gemv() || splits == 1) return true;
  if (code.row->layout == CudaLayout::top2) {
    // Sums of A16 are rounded, and a path has the same bits for all M.
    return code.row->stage == CudaStage::gemm_a8 &&
           share_tiles(d, code, p, splits).pieces * tile_ctas(code) <= d.sm_count;
  }
  const int64_t patches = ceil_div(p.N, code.shape.patch_n) * ceil_div(p.M, code.shape.patch_m);
  return static_cast<double>(patches * splits) <= d.sm_count * std::min(code.shape.ctas, resident_ctas(d, code, p));
}

TileShare share_tiles(const CostDevice& d, const CostCode& code, const CostProblem& p, int splits) {
  const CudaVariant& shape = code.shape;
  const int64_t patches = ceil_div(p.N, shape.patch_n) * ceil_div(p.M, shape.patch_m);
  TileShare s = {};
  s.pieces = static_cast<double>(patches * splits);
  s.places = std::floor(d.sm_count / tile_ctas(code));
  s.rounds = std::ceil(s.pieces / s.places);
  s.turns = static_cast<double>(ceil_div(ceil_div(p.K, shape.columns), splits));
  s.sum_bytes = 4.0 * static_cast<double>(patches) * shape.patch_n * shape.patch_m;
  return s;
}

CostShare share_patches(const CostDevice& d, const CostCode& code, const CostProblem& p, const GemmPatches& patches) {
  const CudaVariant& shape = code.shape;
  const int64_t spans = ceil_div(ceil_div(p.K, shape.columns), patches.splits);
  const auto ahead = static_cast<double>(std::min<int64_t>(shape.ahead, spans));
  const double of_matrix = static_cast<double>(patches.along_m) / static_cast<double>(patches.matrices);
  CostShare s = {};
  s.pieces = static_cast<double>(patches.along_n * patches.along_m * patches.splits);
  s.ctas = std::min(s.pieces, d.sm_count * resident_ctas(d, code, p));
  s.sharers = std::min(of_matrix, s.ctas);  // neighbours along M, at the same time
  s.piece_steps = static_cast<double>(shape.patch_n / 16 * spans * (shape.columns / 32) * (shape.patch_m / 8));
  s.cta_bytes = ahead * static_cast<double>(cuda_span_weights(*code.row, shape));
  s.trips = static_cast<double>(spans) / ahead;
  s.w_reads = of_matrix;
  s.x_reads = static_cast<double>(patches.along_n);
  return s;
}

CostShare share_out(const CostDevice& device, const CostCode& code, const CostProblem& problem, int splits) {
  return (code.row->gemv() ? gemv_share : gemm_share)(device, code, problem, splits);
}

double bytes_in_flight(const CostDevice& device, const CostCode& code, const CostProblem& problem, int splits) {
  const CostShare share = share_out(device, code, problem, splits);
  return share.ctas / share.sharers * share.cta_bytes / device.sm_count;
}

}  // namespace ternary
