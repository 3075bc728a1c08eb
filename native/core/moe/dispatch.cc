#include "core/moe/dispatch.h"

#include <algorithm>
#include <chrono>

#include "core/base/float_environment.h"
#include "core/moe/call.h"
#include "core/runtime/dispatch.h"

namespace ternary {
namespace {

/** Tells stages how long they took, each from the end of the one before. A clock is read in 25 ns. */
class StageClock {
 public:
  explicit StageClock(ternary_runtime& runtime) : runtime_(runtime) {}

  void end(Op op) {
    if (!runtime_.settings.collect_path_stats) return;
    const auto now = std::chrono::steady_clock::now();
    const auto took = std::chrono::duration_cast<std::chrono::nanoseconds>(now - begin_).count();
    runtime_.counters.add_time(op, static_cast<uint64_t>(took));
    begin_ = now;
  }

 private:
  ternary_runtime& runtime_;
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

/** Slots have been sorted. */
void run_rows(const MoeCall& call) {
  StageClock clock(call.runtime);
  const int64_t products = list_products(call);
  make_inputs(call, products);
  clock.end(Op::moe_activations);
  run_first_products(call, products);
  clock.end(Op::moe_gate_up);
  make_hidden(call);
  clock.end(Op::moe_gate);
  run_second_products(call, products);
  clock.end(Op::moe_down);
  combine_slots(call);
  clock.end(Op::moe_combine);
}

/** The first products last, so that the call's last path is theirs. */
void count_paths(ternary_runtime& runtime, const MoeKernels& kernels, int64_t block) {
  count_path(runtime, Op::moe_activations, runtime.row(kernels.activations));
  count_path(runtime, Op::moe_combine, runtime.row(kernels.combine));
  kernels.second.count_paths(runtime, Op::moe_down, block);
  count_path(runtime, Op::moe_gate, runtime.row(kernels.gate));
  kernels.first.count_paths(runtime, Op::moe_gate_up, block);
}

/** Asks for the kernels of every number of rows that an expert has, so that one which is missing is found before
 *  anything is written. `order` is then that of the last part. */
void choose_kernels(ternary_runtime& runtime, const ternary_moe_operands& operands, int64_t E, const MoeSizes& sizes,
                    const SlotOrder& order, MoeKernels& kernels) {
  for (int64_t m = 0; m < operands.M; m += sizes.rows) {
    const ternary_moe_operands some = rows_of(operands, m, std::min(sizes.rows, operands.M - m));
    sort_slots(slots_of(some, E), order);
    for (int64_t e = 0; e < E; ++e) {
      const int64_t rows = order.offsets[e + 1] - order.offsets[e];
      if (rows == 0) continue;
      kernels.first.for_rows(rows);
      kernels.second.for_rows(rows);
    }
  }
  kernels.first.count_choices(runtime, Op::moe_gate_up);
  kernels.second.count_choices(runtime, Op::moe_down);
  count_activations_off(runtime, Op::moe_activations);
}

}  // namespace

MoeKernels::MoeKernels(const ternary_runtime& runtime, const ternary_moe& moe)
    : activations(runtime.activation_kernel()),
      gate(runtime.rows_kernel(Stage::gate)),
      combine(runtime.rows_kernel(Stage::combine)),
      first(runtime, kind_of(moe.w13, moe.activation, moe.block)),
      second(runtime, kind_of(moe.w2, moe.activation, moe.block)) {}

void run_moe(ternary_runtime& runtime, const ternary_moe& moe, const ternary_moe_operands& operands) {
  const FloatEnvironment environment;
  MoeSizes sizes(runtime, moe, operands.T);
  set_rows(operands.M, sizes);
  Scratch scratch(runtime.scratch, scratch_bytes(sizes));
  const MoeBuffers buffers(scratch, sizes);
  MoeKernels kernels(runtime, moe);
  choose_kernels(runtime, operands, sizes.E, sizes, buffers.order, kernels);
  for (int64_t m = 0; m < operands.M; m += sizes.rows) {
    const ternary_moe_operands some = rows_of(operands, m, std::min(sizes.rows, operands.M - m));
    const MoeCall call = {runtime, moe, some, sizes, buffers, kernels};
    if (sizes.rows < operands.M) sort_slots(call.slots(), buffers.order);  // one part has been sorted for its kernels
    run_rows(call);
  }
  count_paths(runtime, kernels, moe.block);
}

}  // namespace ternary
