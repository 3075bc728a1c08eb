/**
 * @file gemv.cuh
 * @brief Launcher of the GEMV kernels: from a task to a plan to the kernel for its groups and rows of X.
 */
#ifndef TERNARY_CUDA_GEMV_GEMV_CUH_
#define TERNARY_CUDA_GEMV_GEMV_CUH_

#include "cuda/device/variant.h"
#include "cuda/gemv/gemv_blocks.cuh"
#include "cuda/gemv/gemv_plan.h"
#include "cuda/gemv/gemv_slabs.cuh"
#include "cuda/kernels.h"

namespace ternary::cuda {

inline GemvArgs gemv_args(const CudaGemmTask& task, const GemvPlan& plan, CudaLayout layout) {
  GemvArgs a = {};
  a.task = task;
  a.M = static_cast<int>(task.M);
  a.N = static_cast<int>(task.N);
  a.tiles = plan.tiles;
  a.slabs = plan.slabs;
  a.panels = plan.panels;
  a.padded = static_cast<int>(cuda_padded_columns(layout, task.K));
  for (int k = plan.k_warps; k > 1; k /= 2) ++a.k_warps_log2;
  a.splits = plan.splits;
  a.panel_groups = plan.panel_groups;
  a.chunk = plan.chunk;
  a.q_stride = plan.q_stride;
  a.scratch_columns = plan.scratch_columns;
  a.resident = plan.resident;
  a.cluster = plan.cluster > 1;
  a.groups = 1;
  a.steps = static_cast<int>(ceil_div(task.K, kStepColumns));
  if (task.group > 0) {
    a.groups = static_cast<int>(ceil_div(task.K, task.group));
    a.group_steps = static_cast<int>(task.group / kStepColumns);
    a.block_groups = groups_in_block(task.group);
    a.blocks = static_cast<int>(ceil_div(a.groups, a.block_groups));
  }
  a.tickets = static_cast<int32_t*>(task.partial) + (plan.splits > 1 ? task.M * plan.panels * kPanelRows : 0);
  return a;
}

/** Launches the kernel of `Dots` for this task; kCtas of it share an SM by their registers. */
template <class Dots, int kCtas, int kGroupCtas, class Rows>
int launch_gemv(const GemvKind& kind, const CudaGemmTask& task, const Rows& rows, const CudaLaunch& how) {
  const int ctas = task.group > 0 ? kGroupCtas : kCtas;
  const GemvPlan plan = gemv_plan({kind.layout, kind.fused, ctas}, problem_of(task, how));
  const GemvArgs args = gemv_args(task, plan, kind.layout);
  const dim3 grid(static_cast<unsigned>(plan.grid)), block(kGemvThreads);
  if (task.group > 0) {
    return launch<gemv_blocks_kernel<Dots, Rows, kGroupCtas>>(how, grid, block, plan.shared_bytes, 1, args, rows);
  }
  return launch<gemv_slabs_kernel<Dots, Rows, kCtas>>(how, grid, block, plan.shared_bytes, plan.cluster, args, rows);
}

/** Whether the kernels of `Dots` have the shape that their row states: so many rows of X, a panel of W a warp. */
template <class Dots>
constexpr bool has_shape(const CudaVariant& v) {
  constexpr int kRows = Dots::kOutputs * Dots::kOwners / kPanelRows;
  return v.rows == kRows && v.tile_m == kRows && v.tile_n == kGemvWarps * kPanelRows && v.threads == kGemvThreads;
}

/** States which kernels a row has for up to `m` rows of X; the last argument is their Dots. */
#define TERNARY_CUDA_GEMV_VARIANTS(row, m, Rows, kCtas, kGroupCtas, ...)                                 \
  static_assert(has_shape<__VA_ARGS__>(variant_of(#row, "plain_m" #m)), "kernels.inc says other rows");  \
  static_assert(has_shape<__VA_ARGS__>(variant_of(#row, "groups_m" #m)), "kernels.inc says other rows"); \
  TERNARY_CUDA_VARIANT(row, plain_m##m, gemv_slabs_kernel<__VA_ARGS__, Rows, kCtas>)                     \
  TERNARY_CUDA_VARIANT(row, groups_m##m, gemv_blocks_kernel<__VA_ARGS__, Rows, kGroupCtas>)

/** Why a GEMV whose kernel is for up to `most_rows` of X does not serve a problem. */
inline Reason gemv_refusal(const GemvKind& kind, const CudaProblem& problem, int64_t most_rows) {
  if (problem.M < 1 || problem.M > most_rows) return Reason::m_range;
  if (problem.group % kStepColumns != 0 && problem.group < problem.K) return Reason::group_size;
  if (problem.N > (int64_t{1} << 31) - 2 * kGemvWarps * kPanelRows) return Reason::k_range;
  if (kind.fused && problem.residual_in_place) return Reason::in_place;
  return gemv_plan(kind, problem).refusal;
}

}  // namespace ternary::cuda

#endif  // TERNARY_CUDA_GEMV_GEMV_CUH_
