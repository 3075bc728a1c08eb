#include "core/cuda/moe/dispatch.h"

#include <algorithm>
#include <iterator>

#include "core/base/failure.h"
#include "core/cuda/call_checks.h"
#include "core/cuda/moe/tasks.h"
#include "core/cuda/planning.h"
#include "core/runtime/dispatch.h"

namespace ternary {
namespace {

void check_operands_apart(const CudaDevice& device, const ternary_moe& moe, const ternary_moe_operands& o,
                          const ternary_cuda_call& call, int64_t bytes) {
  const int64_t H = moe.H();
  const Range apart[] = {
      matrix_range("x", o.x, o.x_dtype, o.M, H, o.ldx),
      vector_range("x_scale", o.x_scale, o.M),
      matrix_range("expert_ids", o.expert_ids, TERNARY_F32, o.M, o.T, o.ld_ids),
      matrix_range("expert_weights", o.expert_weights, o.expert_weights_dtype, o.M, o.T, o.ld_weights),
      matrix_range("y", o.y, o.y_dtype, o.M, moe.y_columns(o.T), o.ldy),
      matrix_range("residual", o.residual, o.residual_dtype, o.M, H, o.ld_residual),
      matrix_range("residual_out", o.residual_out, o.residual_dtype, o.M, H, o.ld_residual)};
  check_workspace(device, call, bytes, "ternary_moe_workspace_bytes()", apart, std::size(apart));
}

/** The copy on the device; made now if that is allowed. */
const CudaMoe& moe_on_device(const CudaDevice& device, const ternary_moe& moe, bool capturing, ThreadPool& pool) {
  if (const CudaMoe* found = find_moe(moe, device.ordinal)) return *found;
  if (capturing) {
    fail(TERNARY_ILLEGAL_STATE,
         "the stream is being captured and the layer of experts has no copy on the device; ternary_prepare_moe() must "
         "have run before");
  }
  return prepare_moe(moe, device, pool);
}

/** The kernels of some rows, one after the other. */
void launch(CudaRuntime& cuda, const CudaMoeKernels& kernels, const CudaMoeCall& call, const CudaLaunch& how) {
  if (kernels.align != nullptr) cuda.launched(kernels.align->rows.align(align_task(call), how), *kernels.align);
  cuda.launched(kernels.rows.rows.expert_rows(rows_task(call), how), kernels.rows);
  for (int64_t part = 0; part < call.plan.parts; ++part) {
    cuda.launched(kernels.gate_up.rows.experts(gate_up_task(call, part), how), kernels.gate_up);
  }
  if (kernels.gate != nullptr) cuda.launched(kernels.gate->rows.expert_gate(gate_task(call), how), *kernels.gate);
  cuda.launched(kernels.down.rows.experts(down_task(call), how), kernels.down);
  if (kernels.combine == nullptr) return;
  cuda.launched(kernels.combine->rows.combine(combine_task(call), how), *kernels.combine);
}

/** The first products last, so that the call's last path is theirs. */
void count_paths(ternary_runtime& runtime, const CudaRuntime& cuda, const CudaMoeKernels& kernels, int64_t block) {
  const auto count = [&](Op op, const CudaKernel& kernel, int64_t of_block) {
    count_path(runtime, op, counted_row(runtime, cuda, kernel), of_block);
  };
  if (kernels.align != nullptr) count(Op::moe_align, *kernels.align, 0);
  count(Op::moe_activations, kernels.rows, 0);
  if (kernels.combine != nullptr) count(Op::moe_combine, *kernels.combine, 0);
  count(Op::moe_down, kernels.down, block);
  if (kernels.gate != nullptr) count(Op::moe_gate, *kernels.gate, 0);
  count(Op::moe_gate_up, kernels.gate_up, block);
}

}  // namespace

void start_moe(ternary_runtime& runtime, CudaRuntime& cuda, const ternary_moe& moe, const ternary_moe_operands& o,
               const ternary_cuda_call& call) {
  const CudaDevice& device = cuda.device;
  check_call(device, call,
             {{"x", o.x},
              {"x_scale", o.x_scale},
              {"expert_ids", o.expert_ids},
              {"expert_weights", o.expert_weights},
              {"y", o.y},
              {"residual", o.residual},
              {"residual_out", o.residual_out}});
  const CudaMoePlan plan(moe, o.M, o.T);
  check_operands_apart(device, moe, o, call, plan.bytes);
  const bool capturing = check_capture(device, call, plan.bytes);
  const CudaMoeKernels kernels(runtime, cuda, moe, plan);
  const CudaMoe& copy = moe_on_device(device, moe, capturing, runtime.pool);
  uint32_t* wrong_ids = cuda.wrong_ids.counter();
  in_workspace(cuda.workspaces, *device.cuda, call, plan.bytes, [&](uint8_t* workspace) {
    for (int64_t m = 0; m < o.M; m += plan.rows) {
      const ternary_moe_operands some = rows_of(o, m, std::min(plan.rows, o.M - m));
      launch(cuda, kernels, {moe, copy, some, plan, kernels, workspace, wrong_ids}, {call.stream, cuda.pdl});
    }
  });
  count_paths(runtime, cuda, kernels, moe.block);
}

}  // namespace ternary
