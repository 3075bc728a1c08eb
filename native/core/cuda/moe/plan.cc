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

/** The first of the stage's kernels for a layout that `serves(row)` takes; else the last of them, null if there is none. Those
 *  that are off are left out if `runtime` is given. */
template <typename Serves>
const CudaKernel* first_kernel(const CudaRuntime& cuda, CudaStage stage, CudaLayout layout,
                               const ternary_runtime* runtime, Serves serves) {
  const CudaBackend& backend = cuda.device.backend();
  const CudaKernel* best = nullptr;
  for (int i = 0; i < backend.kernel_count; ++i) {
    const CudaKernel& kernel = backend.kernels[i];
    if (kernel.stage != stage || kernel.layout != layout) continue;
    if (runtime != nullptr && runtime->rows_off.has(counted_row(*runtime, cuda, kernel))) continue;
    best = &kernel;
    if (serves(kCudaRows[find_cuda_row(kernel.file)])) break;
  }
  return best;
}

/** The one that the model expects to take least were slots spread evenly; without figures the first that has room. */
const CudaKernel& experts_kernel(ternary_runtime& runtime, const CudaRuntime& cuda, Op op,
                                 const ternary_weights& weights, const ternary_moe& moe, const CudaMoePlan& plan,
                                 int64_t x_rows) {
  const bool a8 = moe.activation == TERNARY_A8;
  const CudaStage stage = a8 ? CudaStage::experts_a8 : CudaStage::experts_a16;
  const CudaLayout layout = cuda_layout_of(weights.layout);
  const EvenSlots even(plan.slots(), plan.E);
  const CostCode* code =
      cuda.experts.best(layout, a8, even.spread(), {weights.N, weights.K, x_rows, weights.group, moe.block});
  const int64_t slots_of_expert = ceil_div(plan.slots(), std::min(plan.slots(), plan.E));
  const auto has_room = [&](const CudaRow& row) { return row.variants[0].patch_m >= slots_of_expert; };
  const CudaKernel* best = first_kernel(cuda, stage, layout, nullptr, [&](const CudaRow& row) {
    return code != nullptr ? code->row == &row : has_room(row);
  });
  if (best != nullptr && runtime.rows_off.has(counted_row(runtime, cuda, *best))) {
    if (runtime.settings.collect_path_stats) {
      runtime.counters.count_fallback(op, counted_row(runtime, cuda, *best), Reason::validation);
    }
    best = first_kernel(cuda, stage, layout, &runtime, has_room);
  }
  if (best == nullptr) {
    fail(TERNARY_UNSUPPORTED, "the library %s has no kernel for experts of layout %s", cuda.device.backend().arch,
         kCudaLayoutNames[static_cast<int>(layout)]);
  }
  return *best;
}

/** Columns of Y of the smallest patch. */
constexpr int64_t kFewestColumns = 32;

/** Those that the kernel's end needs; 0 if it cannot do it. */
int64_t tickets_of(const CudaKernel& kernel, CudaExpertsEnd end, const CudaMoePlan& plan, int64_t N) {
  const CudaRow& row = kCudaRows[find_cuda_row(kernel.file)];
  if (!row.finishes || plan.slots() > kMostUnsortedSlots) return 0;
  const int64_t tickets = cuda_tickets(row, end, plan.rows, plan.T, N);
  return end == CudaExpertsEnd::sum && tickets > kMostSumTickets ? 0 : tickets;
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
  // Of what is not sorted, and of no fewer than any call with fewer rows needs.
  const int64_t few_rows = std::min(rows, std::max<int64_t>(1, kMostUnsortedSlots / T));
  tickets = places.take(4 * (few_rows * T + std::min(few_rows * ceil_div(H, kFewestColumns), kMostSumTickets)));
  bytes = places.end();
}

CudaMoeKernels::CudaMoeKernels(ternary_runtime& runtime, const CudaRuntime& cuda, const ternary_moe& moe,
                               const CudaMoePlan& plan)
    : align(plan.slots() > kMostUnsortedSlots ? &row_of(cuda, CudaStage::align) : nullptr),
      rows(row_of(cuda, CudaStage::expert_rows)),
      gate_up(
          experts_kernel(runtime, cuda, Op::moe_gate_up, moe.w13, moe, plan, plan.by_slot ? plan.slots() : plan.rows)),
      gate(nullptr),
      down(experts_kernel(runtime, cuda, Op::moe_down, moe.w2, moe, plan, plan.slots())),
      combine(nullptr),
      gate_tickets(tickets_of(gate_up, CudaExpertsEnd::gate, plan, 2 * plan.I)),
      sum_tickets(tickets_of(down, CudaExpertsEnd::sum, plan, plan.H)) {
  if (gate_tickets == 0) gate = &row_of(cuda, CudaStage::expert_gate);
  if (sum_tickets == 0) combine = &row_of(cuda, CudaStage::combine);
}

}  // namespace ternary
