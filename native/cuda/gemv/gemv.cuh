/**
 * @file gemv.cuh
 * @brief What the rows of GEMV kernels are: a plan, and from it the launch of the kernel for groups and rows of X.
 */
#ifndef TERNARY_CUDA_GEMV_GEMV_CUH_
#define TERNARY_CUDA_GEMV_GEMV_CUH_

#include "cuda/device/variant.h"
#include "cuda/gemv/gemv_plan.h"
#include "cuda/gemv/gemv_slabs.cuh"
#include "cuda/gemv/gemv_units.cuh"
#include "cuda/kernels.h"

namespace ternary::cuda {

inline GemvArgs gemv_args(const CudaGemmTask& task, const GemvShare& share, int splits, CudaLayout layout) {
  GemvArgs a = {};
  a.task = task;
  a.M = static_cast<int>(task.M);
  a.N = static_cast<int>(task.N);
  a.tiles = share.tiles;
  a.slabs = share.slabs;
  a.panels = share.panels;
  a.padded = static_cast<int>(cuda_padded_columns(layout, task.K));
  for (int k = share.k_warps; k > 1; k /= 2) ++a.k_warps_log2;
  a.splits = splits;
  a.panel_sets = share.panel_sets;
  a.chunk = share.chunk;
  a.q_stride = share.q_stride;
  a.scratch_columns = share.scratch_columns;
  a.resident = share.resident != 0;
  a.cluster = share.cluster > 1;
  a.units = 1;
  a.block_units = 1;
  a.steps = static_cast<int>(ceil_div(task.K, kStepColumns));
  a.ld_s = static_cast<int>(task.ld_s);
  const int64_t unit = unit_columns(task.group, task.block);
  if (unit > 0) {
    a.units = static_cast<int>(ceil_div(task.K, unit));
    a.unit_steps = static_cast<int>(unit / kStepColumns);
    a.super_block_units = units_in_super_block(unit);
    a.super_blocks = static_cast<int>(ceil_div(a.units, a.super_block_units));
    a.groups = task.group > 0 ? static_cast<int>(ceil_div(task.K, task.group)) : 0;
    a.group_units = static_cast<int>(task.group / unit);
    a.block_units = task.block > 0 ? static_cast<int>(task.block / unit) : a.units;
  }
  a.tickets = static_cast<int32_t*>(task.partial) + (splits > 1 ? task.M * share.panels * kPanelRows : 0);
  return a;
}

/** A kernel for up to `most_rows` of X; ctas of it share an SM by their registers, unit_ctas where there are units. */
template <class Dots_, int most_rows, int ctas, int slab_tiles, int unit_ctas, int unit_tiles>
struct GemvVariant {
  using Dots = Dots_;
  static constexpr int kMostRows = most_rows, kCtas = ctas, kSlabTiles = slab_tiles;
  static constexpr int kUnitCtas = unit_ctas, kUnitTiles = unit_tiles;
};

/** What a row with these kernels is: the first that is for enough rows of X serves. */
template <CudaLayout layout, bool fused, class Rows, class First, class... Others>
struct GemvRowOf {
  using RowsOfX = Rows;

  static Reason plan(const CudaProblem& problem, CudaPlan* plan) { return plan_with<First, Others...>(problem, plan); }

  static int launch_rows(const CudaGemmTask& task, const Rows& rows, const CudaPlan& plan, const CudaLaunch& how) {
    const GemvShare share = share_of(plan);
    return launch_with<First, Others...>(gemv_args(task, share, plan.splits, layout), rows, plan, share.cluster, how);
  }

 private:
  template <class Variant, class... Rest>
  static Reason plan_with(const CudaProblem& problem, CudaPlan* plan) {
    if constexpr (sizeof...(Rest) > 0) {
      if (problem.M > Variant::kMostRows) return plan_with<Rest...>(problem, plan);
    }
    return plan_gemv({layout, fused, problem.unit() > 0 ? Variant::kUnitCtas : Variant::kCtas, Variant::kSlabTiles,
                      Variant::kUnitTiles},
                     Variant::kMostRows, problem, plan);
  }

  template <class Variant, class... Rest>
  static int launch_with(const GemvArgs& args, const Rows& rows, const CudaPlan& plan, int cluster,
                         const CudaLaunch& how) {
    if constexpr (sizeof...(Rest) > 0) {
      if (args.M > Variant::kMostRows) return launch_with<Rest...>(args, rows, plan, cluster, how);
    }
    const dim3 grid(static_cast<unsigned>(plan.grid)), block(kGemvThreads);
    if (args.task.block > 0) {
      return launch<gemv_units_kernel<typename Variant::Dots, Rows, Variant::kUnitCtas, Variant::kUnitTiles, true>>(
          how, grid, block, plan.shared_bytes, 1, args, rows);
    }
    if (args.task.group > 0) {
      return launch<gemv_units_kernel<typename Variant::Dots, Rows, Variant::kUnitCtas, Variant::kUnitTiles, false>>(
          how, grid, block, plan.shared_bytes, 1, args, rows);
    }
    return launch<gemv_slabs_kernel<typename Variant::Dots, Rows, Variant::kCtas, Variant::kSlabTiles>>(
        how, grid, block, plan.shared_bytes, cluster, args, rows);
  }
};

/** A row whose kernels take prepared q. */
template <CudaLayout layout, class... Variants>
struct GemvRow : GemvRowOf<layout, false, StagedRows, Variants...> {
  static int launch(const CudaGemmTask& task, const CudaPlan& plan, const CudaLaunch& how) {
    return GemvRow::launch_rows(task, StagedRows{}, plan, how);
  }
};

/** A row whose kernels make q themselves. */
template <CudaLayout layout, class... Variants>
struct FusedGemvRow : GemvRowOf<layout, true, FusedRows, Variants...> {
  static int launch(const CudaFusedTask& task, const CudaPlan& plan, const CudaLaunch& how) {
    return FusedGemvRow::launch_rows(task.gemm, FusedRows{task.activations}, plan, how);
  }
};

/**
 * Whether the kernels of `Dots` have the shape that their row states: so many rows of X, a panel of W a warp. On
 * one architecture CTAs of an SM may be fewer, and tiles on their way more.
 */
template <class Dots>
constexpr bool has_shape(const CudaVariant& v, int ctas, int ahead) {
  constexpr int kRows = Dots::kOutputs * Dots::kOwners / kPanelRows;
  return v.rows == kRows && v.patch_m == kRows && v.patch_n == kGemvWarps * kPanelRows && v.threads == kGemvThreads &&
         v.ctas >= ctas && v.ahead <= ahead;
}

/** States which kernels a row has for up to `m` rows of X: those of a GemvVariant. */
#define TERNARY_CUDA_GEMV_VARIANTS(row, m, Row, Variant)                                                               \
  static_assert(has_shape<Variant::Dots>(variant_of(#row, "plain_m" #m), Variant::kCtas, Variant::kSlabTiles),         \
                "kernels.inc says another kernel");                                                                    \
  static_assert(has_shape<Variant::Dots>(variant_of(#row, "groups_m" #m), Variant::kUnitCtas, Variant::kUnitTiles),    \
                "kernels.inc says another kernel");                                                                    \
  TERNARY_CUDA_VARIANT(row, plain_m##m,                                                                                \
                       gemv_slabs_kernel<Variant::Dots, Row::RowsOfX, Variant::kCtas, Variant::kSlabTiles>)            \
  TERNARY_CUDA_VARIANT(row, groups_m##m,                                                                               \
                       gemv_units_kernel<Variant::Dots, Row::RowsOfX, Variant::kUnitCtas, Variant::kUnitTiles, false>) \
  TERNARY_CUDA_VARIANT(row, blocks_m##m,                                                                               \
                       gemv_units_kernel<Variant::Dots, Row::RowsOfX, Variant::kUnitCtas, Variant::kUnitTiles, true>)

}  // namespace ternary::cuda

#endif  // TERNARY_CUDA_GEMV_GEMV_CUH_
