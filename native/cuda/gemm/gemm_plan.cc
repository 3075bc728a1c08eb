#include "cuda/gemm/gemm_plan.h"

#include <algorithm>

#include "cuda/device/arch.h"

namespace ternary::cuda {
namespace {

/** What the driver takes of a CTA's shared memory. */
constexpr int64_t kReservedShared = 1024;
/** What a kernel has besides the ring: the flag of last_to_come(). */
constexpr int64_t kStaticShared = 16;

const CudaVariant& variant_for(const CudaRow& row, const CudaProblem& p) {
  const CudaVariant* variant = row.variants;
  while (variant[1].name != nullptr && (variant->units != cuda_units(p.group, p.block) ||
                                        (row.stage == CudaStage::gemm_a16 && variant->planes != p.planes))) {
    ++variant;
  }
  return *variant;
}

/** A problem's patches, and what a CTA of them has. */
struct Sizes {
  int64_t patches, spans, ring_bytes, patch_bytes;
  int depth, resident;  ///< CTAs that the device holds at a time
};

Sizes sizes_of(const CudaRow& row, const CudaVariant& v, const CudaProblem& p) {
  Sizes s = {};
  s.patches = ceil_div(p.M, v.patch_m) * ceil_div(p.N, v.patch_n);
  s.spans = ceil_div(p.K, v.columns);
  s.ring_bytes = cuda_ring_bytes(row, v);
  s.patch_bytes = int64_t{4} * v.patch_n * v.patch_m;
  s.depth = v.depth;
  const int64_t fit = p.shared_bytes / (s.ring_bytes + kReservedShared);
  s.resident = p.sm_count * static_cast<int>(std::clamp<int64_t>(fit, 1, v.ctas));
  return s;
}

/** Parts cost their way through memory: K is split only while SMs would idle and each CTA fills its ring. */
int own_splits(const Sizes& s, const CudaProblem& p, int most) {
  int splits = 1;
  while (2 * splits <= most && 2 * splits * s.patches <= p.sm_count && s.spans >= int64_t{2} * splits * s.depth) {
    splits *= 2;
  }
  return splits;
}

/** More CTAs than the device holds at a time would make parts for nothing, and their memory without bounds. */
int splits_for(const Sizes& s, const CudaProblem& p, int most) {
  const bool legal = p.splits == 1 || (p.splits > 1 && p.splits <= most && p.splits * s.patches <= s.resident);
  return legal ? p.splits : own_splits(s, p, most);
}

/** Parts that a CTA leaves before its last, which finds the ring empty. */
int most_waiting_parts(const GemmSplit& split) {
  int most = 0;
  for (int rank = 0; rank < split.splits; ++rank) most = std::max(most, split.parts_of(rank) - 1);
  return most;
}

}  // namespace

Reason plan_gemm(const CudaRow& row, const CudaProblem& problem, CudaPlan* plan) {
  const CudaVariant& variant = variant_for(row, problem);
  const Sizes s = sizes_of(row, variant, problem);
  *plan = {};
  plan->splits = 1;
  plan->shared_bytes = s.ring_bytes;
  if (s.patches > kMostCtas) return Reason::m_range;
  plan->splits = splits_for(s, problem, cuda_most_splits(row, problem.K, problem.unit()));
  plan->grid = static_cast<int32_t>(s.patches * plan->splits);

  const int64_t stretch = std::min(cuda_stretch_columns(row, problem.unit()), round_up(problem.K, variant.columns));
  GemmSplit split = {};
  split.splits = plan->splits;
  split.ordered = problem.unit() > 0 || row.stage == CudaStage::gemm_a16;
  split.stretches = static_cast<int32_t>(ceil_div(problem.K, stretch));
  split.stretch_steps = static_cast<int32_t>(stretch / 32);
  if (split.splits > 1) {
    const int64_t waiting_bytes = most_waiting_parts(split) * s.patch_bytes;
    split.cluster = makes_cluster(TERNARY_CUDA_ARCH, split.splits) &&
                    s.ring_bytes + waiting_bytes + kStaticShared <= problem.shared_bytes;
    if (split.cluster != 0) {
      plan->shared_bytes += waiting_bytes;
    } else {
      split.ticket_bytes = static_cast<int32_t>(round_up(4 * s.patches, 256));
      plan->partial_bytes = split.ticket_bytes + s.patches * split.first_part(split.splits) * s.patch_bytes;
      plan->clear_bytes = 4 * s.patches;
    }
  }
  std::memcpy(plan->own, &split, sizeof split);
  return plan->shared_bytes + kStaticShared > problem.shared_bytes ? Reason::shared_memory : Reason::none;
}

}  // namespace ternary::cuda
