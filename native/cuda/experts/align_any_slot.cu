// Slots sorted by expert, stable: a warp an expert goes through all ids twice, for its place and for its slots. That is E
// times the reading of one pass, from a cache, but needs no memory between passes, no atomics and no second launch.
#include "cuda/device/pdl.cuh"
#include "cuda/device/variant.h"
#include "cuda/experts/expert_ids.cuh"
#include "cuda/kernels.h"

namespace ternary::cuda {
namespace {

constexpr int kWarps = 8;

__global__ void __launch_bounds__(32 * kWarps) align_any_slot_kernel(const CudaAlignTask t) {
  pdl_launch_dependents();
  pdl_wait();
  const int lane = static_cast<int>(threadIdx.x) & 31, E = static_cast<int>(t.E);
  const int e = static_cast<int>(blockIdx.x) * kWarps + static_cast<int>(threadIdx.x) / 32;
  const int slots = static_cast<int>(t.M * t.T);
  if (e >= E) return;
  const SlotIds ids = {t.ids, t.ld_ids, static_cast<int>(t.T)};
  int before = 0, own = 0, wrong = 0;
#pragma unroll 4
  for (int slot = lane; slot < slots; slot += 32) {
    const int32_t id = ids[slot];
    before += id >= 0 && id < e;
    own += id == e;
    wrong += is_wrong(id, E);
  }
  before = __reduce_add_sync(~0u, before);
  own = __reduce_add_sync(~0u, own);
  wrong = __reduce_add_sync(~0u, wrong);
  if (lane == 0) {
    t.offsets[e] = before;
    if (e == E - 1) t.offsets[E] = before + own;
    if (e == 0 && wrong > 0 && t.wrong_ids != nullptr) atomicAdd(t.wrong_ids, static_cast<uint32_t>(wrong));
  }
  if (own == 0) return;
  const uint32_t lower = (1u << lane) - 1;
  for (int base = 0; base < slots; base += 32) {
    const int slot = base + lane;
    const bool mine = slot < slots && ids[slot] == e;
    const uint32_t found = __ballot_sync(~0u, mine);
    if (mine) t.slots[before + __popc(found & lower)] = slot;
    before += __popc(found);
  }
}

}  // namespace

TERNARY_CUDA_VARIANT(align_any_slot, any, align_any_slot_kernel)

int align_any_slot(const CudaAlignTask& task, const CudaLaunch& how) {
  return launch<align_any_slot_kernel>(how, dim3(static_cast<unsigned>(ceil_div(task.E, kWarps))), dim3(32 * kWarps), 0,
                                       1, task);
}

}  // namespace ternary::cuda
