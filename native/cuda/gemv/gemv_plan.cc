#include "cuda/gemv/gemv_plan.h"

#include "abi/cuda_share.h"

namespace ternary::cuda {
namespace {

/** Values of a row that a fused kernel keeps in shared memory while it quantises; longer rows are read again. */
constexpr int kMostScratch = 4096;
/** What the driver takes of a CTA's shared memory. */
constexpr int64_t kReservedShared = 1024;
/** What a kernel has besides: without units an alpha of each thread, and the flag of last_to_come(). */
int64_t static_shared(int64_t unit) { return unit == 0 ? 4 * kGemvThreads + 16 : 0; }

/** Of the compute capability. */
constexpr int kMajor = arch_number(TERNARY_CUDA_ARCH) / 10;

int least(int64_t a, int64_t b) { return static_cast<int>(a < b ? a : b); }
int most(int64_t a, int64_t b) { return static_cast<int>(a > b ? a : b); }

/** GemvShare and the rest of a plan, while it is made. */
struct GemvPlan : GemvShare {
  int splits, grid;
  int64_t shared_bytes;
};

/** Everything about a problem that does not depend on how it is shared out. */
struct Sizes {
  int tile_columns, tiles, slabs, panels, padded;
  int64_t units, blocks;
  int steps, super_block_steps, super_blocks;  ///< of 32 columns; in a super-block; super-blocks
};

Sizes sizes_of(const GemvKind& kind, const CudaProblem& p) {
  Sizes s = {};
  s.tile_columns = static_cast<int>(cuda_tile_columns(kind.layout));
  s.tiles = static_cast<int>(ceil_div(p.K, s.tile_columns));
  s.slabs = static_cast<int>(ceil_div(s.tiles, kind.slab_tiles));
  s.panels = static_cast<int>(ceil_div(p.N, kPanelRows));
  s.padded = static_cast<int>(cuda_padded_columns(kind.layout, p.K));
  s.steps = static_cast<int>(ceil_div(p.K, kStepColumns));
  s.units = 1;
  s.blocks = p.block > 0 ? ceil_div(p.K, p.block) : 1;
  if (const int64_t unit = p.unit(); unit > 0) {
    s.units = ceil_div(p.K, unit);
    const int64_t super_block_columns = cuda_super_block_columns(unit);
    s.super_block_steps = least(super_block_columns / kStepColumns, s.steps);
    s.super_blocks = static_cast<int>(ceil_div(p.K, super_block_columns));
  }
  return s;
}

int own_splits(const Sizes& s, const CudaProblem& p) {
  // Worth their sums in a second place only while the panels leave SMs idle and each warp keeps two slabs.
  int splits = 1;
  while (splits < kMostCluster && 2 * splits * s.panels <= p.sm_count && s.slabs >= 2 * splits * 2 * kGemvWarps) {
    splits *= 2;
  }
  return splits;
}

/** q in shared memory: all of it where two CTAs then still share an SM, else by chunks of whole rounds of warps. */
void plan_slabs(const GemvKind& kind, const CudaProblem& p, const Sizes& s, int64_t fixed, GemvPlan& plan) {
  const int slabs = static_cast<int>(ceil_div(s.slabs, plan.splits));
  const int slab_columns = kind.slab_tiles * s.tile_columns;
  plan.k_warps =
      cuda_gemv_k_warps({kMajor, p.sm_count, kind.ctas_per_sm, s.panels, slabs, kind.slab_tiles, plan.splits});
  const auto shared = [&](int64_t chunk) { return fixed + p.M * q_stride(least(chunk * slab_columns, s.padded)); };
  plan.chunk = slabs;
  plan.resident = shared(slabs) <= (kind.fused ? p.shared_bytes : p.shared_bytes / 2);
  if (!plan.resident && !kind.fused) {
    while (plan.k_warps > 1 && shared(plan.k_warps) > p.shared_bytes) plan.k_warps /= 2;
    int rounds = 1;
    while (shared(int64_t{rounds + 1} * plan.k_warps) <= p.shared_bytes / 3) ++rounds;
    plan.chunk = rounds * plan.k_warps;
  }
  plan.q_stride = q_stride(least(static_cast<int64_t>(plan.chunk) * slab_columns, s.padded));
  plan.shared_bytes = shared(plan.chunk);
}

/**
 * With units a warp has whole super-blocks, so that their sums are its own; k_warps of them of a panel at a
 * time. Where they do not fit, one warp a panel goes through K in chunks of any size.
 */
void plan_units(const GemvKind& kind, const CudaProblem& p, const Sizes& s, int64_t fixed, GemvPlan& plan) {
  const int span = span_columns(kind.layout);
  while (plan.k_warps < kGemvWarps && 2 * plan.k_warps <= s.super_blocks &&
         static_cast<int64_t>(s.panels) * plan.k_warps < cuda_busy_warps(kMajor, kind.unit_tiles) * p.sm_count) {
    plan.k_warps *= 2;
  }
  // A chunk begins and ends inside a span: one more at each side.
  const auto columns = [&](int64_t steps) { return least(steps * kStepColumns + 2 * span, s.padded); };
  const auto shared = [&](int64_t steps) { return fixed + p.M * q_stride(columns(steps)); };
  const int64_t most = kind.fused || kind.ctas_per_sm == 1 ? p.shared_bytes : p.shared_bytes / 2;
  plan.resident = shared(s.steps) <= most;
  while (!plan.resident && plan.k_warps > 1 && shared(int64_t{plan.k_warps} * s.super_block_steps) > most) {
    plan.k_warps /= 2;
  }
  plan.chunk = plan.k_warps * s.super_block_steps;
  if (plan.k_warps == 1) {
    plan.chunk = s.steps;
    // Whole spans, or weights where one chunk ends and the next begins would be read for both.
    const int64_t fair = fixed + (p.shared_bytes - fixed) / 3;
    while (!plan.resident && plan.chunk > span / kStepColumns && shared(plan.chunk) > fair) {
      plan.chunk = static_cast<int>(round_up((plan.chunk + 1) / 2, span / kStepColumns));
    }
  }
  const int staged = plan.resident ? s.steps : plan.chunk;
  plan.q_stride = q_stride(columns(staged));
  plan.shared_bytes = shared(staged);
}

GemvPlan gemv_plan(const GemvKind& kind, const CudaProblem& p, const Sizes& s) {
  GemvPlan plan = {};
  plan.tiles = s.tiles;
  plan.slabs = s.slabs;
  plan.panels = s.panels;
  plan.k_warps = 1;
  plan.splits = 1;
  if (!kind.fused && p.unit() == 0) {
    plan.splits = p.splits > 0 && p.splits <= least(kMostSplits, s.slabs) ? p.splits : own_splits(s, p);
  }
  plan.cluster = makes_cluster(TERNARY_CUDA_ARCH, plan.splits) ? plan.splits : 1;
  if (kind.fused) plan.scratch_columns = least(round_up(s.padded, 256), kMostScratch);
  const int64_t sums =
      p.unit() == 0 ? sums_bytes(p.M) : unit_sums_bytes(p.M) + unit_ring_bytes(kind.layout, kind.unit_tiles);
  const int64_t fixed = sums + (kind.fused ? fused_bytes(p.M, s.units, s.blocks, plan.scratch_columns) : 0);
  CudaProblem left = p;  // of shared memory
  left.shared_bytes -= static_shared(p.unit());
  if (p.unit() == 0) {
    plan_slabs(kind, left, s, fixed, plan);
  } else {
    plan_units(kind, left, s, fixed, plan);
  }
  plan.panel_sets = static_cast<int>(ceil_div(s.panels, kGemvWarps / plan.k_warps));
  const int64_t fit = p.shared_bytes / (plan.shared_bytes + static_shared(p.unit()) + kReservedShared);
  const int ctas = p.sm_count * most(1, least(fit, kind.ctas_per_sm));
  plan.grid = plan.splits * least(plan.panel_sets, most(1, ctas / plan.splits));
  return plan;
}

Reason refusal_of(const GemvKind& kind, int64_t most_rows, const CudaProblem& p, const GemvPlan& plan) {
  if (p.M < 1 || p.M > most_rows) return Reason::m_range;
  if (p.group % kStepColumns != 0 && p.group < p.K) return Reason::group_size;
  if (p.N > (int64_t{1} << 31) - 2 * kGemvWarps * kPanelRows) return Reason::k_range;
  if (kind.fused && p.residual_in_place) return Reason::in_place;
  if (kind.fused && p.rotation > 0) return Reason::rotation;
  return plan.shared_bytes + static_shared(p.unit()) > p.shared_bytes ? Reason::shared_memory : Reason::none;
}

}  // namespace

Reason plan_gemv(const GemvKind& kind, int64_t most_rows, const CudaProblem& problem, CudaPlan* plan) {
  const GemvPlan made = gemv_plan(kind, problem, sizes_of(kind, problem));
  *plan = {};
  plan->splits = made.splits;
  plan->grid = made.grid;
  plan->shared_bytes = made.shared_bytes;
  // Sums of CTAs that are no cluster, [M][16 * panels], and the tickets behind them.
  const bool in_memory = made.splits > 1 && made.cluster == 1;
  plan->partial_bytes = in_memory ? 4 * (problem.M * made.panels * kPanelRows + made.panel_sets) : 0;
  plan->clear_bytes = plan->partial_bytes;
  const GemvShare& share = made;
  std::memcpy(plan->own, &share, sizeof share);
  return refusal_of(kind, most_rows, problem, made);
}

}  // namespace ternary::cuda
