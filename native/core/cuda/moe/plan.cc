#include "core/cuda/moe/plan.h"

#include <algorithm>

#include "abi/cuda_rows.h"
#include "abi/dtype.h"
#include "core/base/failure.h"
#include "core/cuda/planning.h"

namespace ternary {
namespace {

/** Hands out pieces of a workspace. */
class Places {
 public:
  int64_t take(int64_t bytes) {
    const int64_t at = end_;
    end_ = round_up(end_ + bytes, kWorkspaceAlignment);
    return at;
  }
  int64_t end() const { return end_; }

 private:
  int64_t end_ = 0;
};

CudaReadyRows ready_rows(const ternary_moe& moe, const ternary_weights& weights, int64_t rows, Places& places) {
  CudaReadyRows r = {};
  r.K = weights.K;
  r.padded = cuda_padded_columns(cuda_layout_of(weights.layout), r.K);
  r.block = moe.block;
  r.unit = unit_columns(weights.group, r.block);
  r.a8 = moe.activation == TERNARY_A8;
  if (r.a8) {
    r.q = places.take(rows * r.padded);
    r.s = places.take(rows * scales_of_row(r.K, r.block) * 4);
    r.q_sums = places.take(rows * sums_of_row(r.K, r.unit) * 4);
  } else {
    r.planes = places.take(3 * rows * r.padded * 2);
  }
  return r;
}

/** Of an expert that has any, were they spread evenly: which patch is best depends on more that is not known here. */
int64_t mean_slots(int64_t slots, int64_t E) { return ceil_div(slots, std::min(slots, E)); }

/** The first whose patch has room for so many slots of an expert; else the last. */
const CudaKernel& experts_kernel(const CudaRuntime& cuda, const ternary_weights& weights, ternary_activation activation,
                                 int64_t slots_of_expert) {
  const CudaStage stage = activation == TERNARY_A8 ? CudaStage::experts_a8 : CudaStage::experts_a16;
  const CudaLayout layout = cuda_layout_of(weights.layout);
  const CudaBackend& backend = cuda.device.backend();
  const CudaKernel* best = nullptr;
  for (int row = 0; row < backend.kernel_count; ++row) {
    const CudaKernel& kernel = backend.kernels[row];
    if (kernel.stage != stage || kernel.layout != layout) continue;
    best = &kernel;
    if (kCudaRows[find_cuda_row(kernel.file)].variants[0].patch_m >= slots_of_expert) break;
  }
  if (best == nullptr) {
    fail(TERNARY_UNSUPPORTED, "the library %s has no kernel for experts of layout %s", backend.arch,
         kCudaLayoutNames[static_cast<int>(layout)]);
  }
  return *best;
}

}  // namespace

CudaMoePlan::CudaMoePlan(const ternary_moe& moe, int64_t M, int64_t slots_of_row)
    : T(slots_of_row),
      E(moe.E()),
      H(moe.H()),
      I(moe.I()),
      rows(std::min(M, kMostSlotsAtOnce / T)),
      by_slot(moe.x_by_slot()),
      parts(moe.x_parts()),
      d_dtype(moe.d_dtype()) {
  Places places;
  order = places.take(slots() * 4);
  offsets = places.take((E + 1) * 4);
  x = ready_rows(moe, moe.w13, by_slot ? parts * slots() : rows, places);
  gate_up = places.take(parts * slots() * 2 * I * 4);
  h = ready_rows(moe, moe.w2, slots(), places);
  d = places.take(slots() * H * dtype_bytes(d_dtype));
  bytes = places.end();
}

CudaMoeKernels::CudaMoeKernels(const CudaRuntime& cuda, const ternary_moe& moe, const CudaMoePlan& plan)
    : align(plan.slots() > kMostUnsortedSlots ? &row_of(cuda, CudaStage::align) : nullptr),
      rows(row_of(cuda, CudaStage::expert_rows)),
      gate_up(experts_kernel(cuda, moe.w13, moe.activation, mean_slots(plan.slots(), plan.E))),
      gate(row_of(cuda, CudaStage::expert_gate)),
      down(experts_kernel(cuda, moe.w2, moe.activation, mean_slots(plan.slots(), plan.E))),
      combine(row_of(cuda, CudaStage::combine)) {}

}  // namespace ternary
