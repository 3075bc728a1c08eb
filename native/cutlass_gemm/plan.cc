#include "cutlass_gemm/plan.h"

#include <algorithm>
#include <string_view>

namespace ternary::cutlass_gemm {
namespace {

/** What a grid may have along y. */
constexpr int64_t kMostPatchesM = 65535;

/** Tiles of K that a CTA has at least where this file chooses the splits: about what a ring of X holds, 4 to 9. */
constexpr int64_t kLeastTiles = 8;

struct Sizes {
  int64_t tiles;  ///< CTAs, without splits
  int64_t k_tiles;
};

Sizes sizes_of(const CudaVariant& v, const CudaProblem& p) {
  return {ceil_div(p.N, v.patch_n) * (v.patch_n / kCtaRows) * ceil_div(p.M, v.patch_m), ceil_div(p.K, v.columns)};
}

/** An SM holds one CTA: it has all of the tensor memory. */
int splits_for(const CudaRow& row, const Sizes& s, const CudaProblem& p) {
  if (row.stage == CudaStage::gemm_a16) return 1;  // its sums are rounded, and one path has the same bits for all M
  const int most = cuda_most_splits(row, p.K, p.unit());
  if (p.splits == 1 || (p.splits > 1 && p.splits <= most && p.splits * s.tiles <= p.sm_count)) return p.splits;
  int splits = 1;
  while (2 * splits <= most && 2 * splits * s.tiles <= p.sm_count && s.k_tiles >= 2 * splits * kLeastTiles) splits *= 2;
  return splits;
}

/** A kernel of f16 planes is the row's with this variant's name. */
bool reads_planes(const CudaRow& row, const CudaProblem& p) {
  if (row.stage == CudaStage::gemm_a8) return true;
  const bool f16 = row.variants[0].name == std::string_view("plain_f16");
  return p.planes == 1 && (p.x_dtype == TERNARY_F16) == f16;
}

}  // namespace

Reason plan_gemm(const CudaRow& row, const CudaProblem& problem, CudaPlan* plan) {
  const CudaVariant& variant = row.variants[0];
  const Sizes s = sizes_of(variant, problem);
  *plan = {};
  plan->splits = splits_for(row, s, problem);
  GemmPlan own = {problem.sm_count, 0};
  if (plan->splits > 1) {
    own.ticket_bytes = static_cast<int32_t>(round_up(4 * s.tiles, 256));
    plan->partial_bytes = own.ticket_bytes + s.tiles * kCtaRows * variant.patch_m * 4;
    plan->clear_bytes = plan->partial_bytes;
  }
  std::memcpy(plan->own, &own, sizeof own);
  if (problem.block > 0) return Reason::block;
  if (problem.group > 0) return Reason::group_size;
  if (!reads_planes(row, problem)) return Reason::dtype;
  if (ceil_div(problem.M, variant.patch_m) > kMostPatchesM) return Reason::m_range;
  plan->grid = static_cast<int32_t>(s.tiles * plan->splits);
  return Reason::none;
}

}  // namespace ternary::cutlass_gemm
