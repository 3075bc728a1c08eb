/**
 * @file expert_tile.cuh
 * @brief Which slots a CTA of a product of experts is for: some of one expert's, found on the device.
 *
 * With few slots nothing is sorted: the CTAs of a slot look for all slots with its id, and those of the first in each
 * handful take them. With many, `align` has sorted them, and a CTA counts tiles of experts up to its own. Both read ids
 * before pdl_wait(): the kernel before, expert_rows or expert_gate, lets this one start only when ids are there. They
 * read past the first-level cache, which may hold those of a call before.
 */
#ifndef TERNARY_CUDA_MOE_EXPERT_TILE_CUH_
#define TERNARY_CUDA_MOE_EXPERT_TILE_CUH_

#include "abi/cuda_kernel.h"
#include "cuda/experts/expert_ids.cuh"

namespace ternary::cuda {

/** Row of q or of a plane that a slot reads, and the slot: its row of Y. */
struct SlotRow {
  int x, slot;
};

/** Up to `most` slots of one expert, in shared memory. Places beyond them are zeros. */
template <int most>
struct ExpertTile {
  int expert, count;
  SlotRow rows[most];
};

/** GemmPatch's rows. */
struct SlotRows {
  const SlotRow* rows;
  __device__ __forceinline__ int64_t x(int64_t m) const { return rows[m].x; }
  __device__ __forceinline__ int64_t y(int64_t m) const { return rows[m].slot; }
};

/** Finds tiles, by the lanes of one warp. */
template <int most>
class TileFinder {
 public:
  __device__ TileFinder(const CudaExpertsTask& task, ExpertTile<most>& tile)
      : task_(task), tile_(tile), lane_(static_cast<int>(threadIdx.x) & 31) {}

  /** The tile that begins with `slot`: none where its id is no expert's, or an earlier slot's tile has it. */
  __device__ void begin_with(int slot) {
    const CudaSlots& s = task_.slots;
    const SlotIds ids = {s.ids, s.ld_ids, static_cast<int>(s.T)};
    const int32_t id = __ldcg(ids.place(slot));
    set(id, 0);
    if (!counts(id, s.E)) return;
    int before = 0;
#pragma unroll 4
    for (int at = lane_; at < slot; at += 32) before += __ldcg(ids.place(at)) == id;
    if (__reduce_add_sync(~0u, before) % most != 0) return;
    const int slots = static_cast<int>(s.M * s.T);
    const uint32_t lower = (1u << lane_) - 1;
    int count = 0;
    for (int base = slot & ~31; base < slots && count < most; base += 32) {
      const int at = base + lane_;
      const bool own = at >= slot && at < slots && __ldcg(ids.place(at)) == id;
      const uint32_t found = __ballot_sync(~0u, own);
      const int place = count + __popc(found & lower);
      if (own && place < most) put(place, at);
      count += __popc(found);
    }
    set(id, min(count, most));
  }

  /** Tile `index` of those of all experts, ascending; none if there are not as many. */
  __device__ void at(int index) {
    const int E = static_cast<int>(task_.slots.E);
    set(0, 0);
    int before = 0;  // tiles of the experts before
    for (int base = 0; base < E && before <= index; base += 32) {
      const int e = base + lane_;
      const int begin = __ldcg(task_.offsets + min(e, E)), end = __ldcg(task_.offsets + min(e + 1, E));
      int tiles = (end - begin + most - 1) / most;
      const int own = tiles;
#pragma unroll
      for (int distance = 1; distance < 32; distance *= 2) {
        const int lower = __shfl_up_sync(~0u, tiles, distance);
        if (lane_ >= distance) tiles += lower;
      }
      const int first = before + tiles - own;
      const uint32_t has = __ballot_sync(~0u, index >= first && index < first + own);
      if (has != 0) {
        const int owner = __ffs(static_cast<int>(has)) - 1;
        const int place = __shfl_sync(~0u, begin + (index - first) * most, owner);
        take(base + owner, place, min(most, __shfl_sync(~0u, end, owner) - place));
        return;
      }
      before += __shfl_sync(~0u, tiles, 31);
    }
  }

 private:
  /** Before put(): the places beyond are zeros then. */
  __device__ void set(int expert, int count) {
    if (lane_ == 0) {
      tile_.expert = expert;
      tile_.count = count;
    }
    if (count > 0) return;
    for (int i = lane_; i < most; i += 32) tile_.rows[i] = {0, 0};
    __syncwarp();
  }
  __device__ void put(int place, int slot) { tile_.rows[place] = {slot / static_cast<int>(task_.slots_of_row), slot}; }
  __device__ void take(int expert, int place, int count) {
    for (int i = lane_; i < count; i += 32) put(i, __ldcg(task_.order + place + i));
    set(expert, count);
  }

  const CudaExpertsTask& task_;
  ExpertTile<most>& tile_;
  const int lane_;
};

/** The tile of a CTA of row `index` of the grid, for all of its threads. */
template <int most>
__device__ __forceinline__ void find_tile(const CudaExpertsTask& task, int index, ExpertTile<most>& tile) {
  if (threadIdx.x < 32) {
    TileFinder<most> finder(task, tile);
    if (task.order == nullptr) {
      finder.begin_with(index);
    } else {
      finder.at(index);
    }
  }
  __syncthreads();
}

}  // namespace ternary::cuda

#endif  // TERNARY_CUDA_MOE_EXPERT_TILE_CUH_
