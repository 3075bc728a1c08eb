/**
 * @file split_scheduler.cuh
 * @brief CUTLASS's tile scheduler of Blackwell, whose third dimension counts parts of K in place of a batch's matrices.
 *
 * CUTLASS's stream-K scheduler was measured and left. Its fix-up holds a whole tile in registers: 892 bytes of spills
 * in a tile of 128 x 128. It adds the parts of a tile one behind the other, and all of its clusters must be resident.
 * Here each CTA brings its part to the epilogue, and the last to come adds them up (output.cuh).
 */
#ifndef TERNARY_CUTLASS_GEMM_SPLIT_SCHEDULER_CUH_
#define TERNARY_CUTLASS_GEMM_SPLIT_SCHEDULER_CUH_

#include "cutlass_gemm/tensor_map.h"
// CUTLASS's headers come behind it.
#include "cutlass/gemm/kernel/gemm_universal.hpp"

namespace ternary::cutlass_gemm {

/** Names the scheduler to cutlass::gemm::kernel::GemmUniversal. */
struct SplitK {};

template <class ClusterShape, uint32_t kStages>
class SplitScheduler : public cutlass::gemm::kernel::detail::PersistentTileSchedulerSm100<ClusterShape, kStages> {
  using Base = cutlass::gemm::kernel::detail::PersistentTileSchedulerSm100<ClusterShape, kStages>;
  using Response = typename Base::CLCResponse;

 public:
  struct Arguments : Base::Arguments {
    int splits = 1;
  };
  struct Params : Base::Params {
    int k_tiles = 0;  ///< of the whole product
    cutlass::FastDivmod splits;
  };
  /** A tile of Y, and its part of K. */
  struct WorkTileInfo : Base::WorkTileInfo {
    int k_begin = 0, k_count = 0;  ///< in tiles of K
  };

  template <class Problem, class Tile, class Atom, class Cluster>
  static Params to_underlying_arguments(Problem problem, Tile tile, Atom atom, Cluster cluster,
                                        const cutlass::KernelHardwareInfo& hardware, const Arguments& arguments,
                                        void* workspace = nullptr) {
    Params params;
    params.k_tiles = cute::ceil_div(cute::get<2>(problem), cute::get<2>(tile));
    params.splits = cutlass::FastDivmod(arguments.splits);
    cute::get<3>(problem) = arguments.splits;
    static_cast<typename Base::Params&>(params) =
        Base::to_underlying_arguments(problem, tile, atom, cluster, hardware, arguments, workspace);
    return params;
  }

  template <class Problem, class Tile, class Atom, class Cluster>
  static dim3 get_grid_shape(const Params& params, Problem problem, Tile tile, Atom atom, Cluster cluster,
                             const cutlass::KernelHardwareInfo& hardware) {
    cute::get<3>(problem) = params.splits.divisor;
    return Base::get_grid_shape(params, problem, tile, atom, cluster, hardware);
  }

  CUTLASS_DEVICE SplitScheduler(Response* responses, const Params& params, dim3 place_in_cluster)
      : Base(responses, params, place_in_cluster), own_(params) {}

  template <class Cluster>
  CUTLASS_DEVICE WorkTileInfo initial_work_tile_info(Cluster cluster) {
    return part_of(Base::initial_work_tile_info(cluster));
  }

  template <class Pipeline, class State>
  CUTLASS_DEVICE auto fetch_next_work(const WorkTileInfo& info, Pipeline& pipeline, State state) {
    auto [next, advance] = Base::fetch_next_work(info, pipeline, state);
    return cute::make_tuple(part_of(next), advance);
  }

  /** All parts are of the one matrix. */
  CUTLASS_DEVICE auto work_tile_to_cta_coord(const WorkTileInfo& info) {
    return cute::make_coord(info.M_idx, info.N_idx, cute::_, 0);
  }

  template <class Problem, class Tile, class Tiles>
  CUTLASS_DEVICE auto get_k_tile_iterator(const WorkTileInfo& info, Problem, Tile, Tiles tiles) {
    return cute::make_coord_iterator(cute::idx2crd(info.k_begin, tiles), tiles);
  }
  template <class Problem, class Tile>
  CUTLASS_DEVICE static int get_work_k_tile_count(const WorkTileInfo& info, Problem, Tile) {
    return info.k_count;
  }
  CUTLASS_DEVICE static uint32_t get_work_k_tile_start(const WorkTileInfo& info) { return info.k_begin; }

 private:
  CUTLASS_DEVICE WorkTileInfo part_of(const typename Base::WorkTileInfo& tile) const {
    WorkTileInfo info;
    static_cast<typename Base::WorkTileInfo&>(info) = tile;
    info.k_begin = own_.splits.divide(own_.k_tiles * tile.L_idx);
    info.k_count = own_.splits.divide(own_.k_tiles * (tile.L_idx + 1)) - info.k_begin;
    return info;
  }

  const Params& own_;
};

}  // namespace ternary::cutlass_gemm

template <class TileShape, class ClusterShape, uint32_t kStages>
struct cutlass::gemm::kernel::detail::TileSchedulerSelector<ternary::cutlass_gemm::SplitK, cutlass::arch::Sm100,
                                                            TileShape, ClusterShape, kStages> {
  using Scheduler = ternary::cutlass_gemm::SplitScheduler<ClusterShape, kStages>;
};

#endif  // TERNARY_CUTLASS_GEMM_SPLIT_SCHEDULER_CUH_
