#include "core/cuda/moe/tasks.h"

#include "core/experts/combine.h"

namespace ternary {
namespace {

CudaSlots slots_of(const CudaMoeCall& call) {
  const ternary_moe_operands& o = call.operands;
  return {o.expert_ids, o.ld_ids, o.M, o.T, call.plan.E};
}

/** Rows of x' of the call. */
int64_t x_rows(const CudaMoeCall& call) { return call.plan.by_slot ? call.plan.parts * call.slots() : call.operands.M; }

/** The outputs of `count` rows, and what is done to them before. */
CudaExpertInputs inputs_of(const CudaMoeCall& call, const ternary_weights& weights, const CudaWeights& copy,
                           const CudaReadyRows& ready, int64_t count) {
  CudaExpertInputs inputs = {};
  CudaActivationTask& task = inputs.activations;
  task.rows.K = ready.K;
  task.rows.block = ready.block;
  task.rows.alpha_column = copy.alpha_column;
  task.M = count;
  task.padded = ready.padded;
  task.unit = ready.unit;
  if (ready.a8) {
    task.q = call.at<int8_t>(ready.q);
    task.ldq = ready.padded;
    task.s = call.at<float>(ready.s);
    task.s_row = 1;
    task.s_block = count;
    task.q_sums = call.at<int32_t>(ready.q_sums);
  } else {
    task.planes = call.at<uint16_t>(ready.planes);
    task.ld_plane = ready.padded;
    task.plane_count = 3;
  }
  inputs.slots = slots_of(call);
  inputs.alpha_step = weights.column_stride;
  inputs.vectors = weights.column_alphas;
  return inputs;
}

/** The product with rows n_begin ... n_end - 1 of W, a multiple of 16 and any, of the rows that `activations` made. */
CudaExpertsTask experts_task(const CudaMoeCall& call, const ternary_weights& weights, const CudaWeights& copy,
                             const CudaActivationTask& activations, RowRange range) {
  CudaExpertsTask task = {};
  CudaGemmTask& gemm = task.gemm;
  gemm.q = activations.q;
  gemm.ldq = activations.ldq;
  gemm.q_sums = activations.q_sums;
  gemm.s = activations.s;
  gemm.ld_s = activations.s_block;
  gemm.block = activations.rows.block;
  gemm.planes = activations.planes;
  gemm.ld_plane = activations.ld_plane;
  gemm.plane_count = activations.plane_count;
  const int64_t panel = range.begin / kTile, groups = weights.group > 0 ? ceil_div(weights.K, weights.group) : 1;
  gemm.w = copy.codes + panel * cuda_panel_bytes(copy.layout, kTile, weights.K);
  gemm.alpha = copy.alpha + panel * kTile * groups;
  gemm.group = weights.group;
  gemm.M = activations.M;
  gemm.N = range.end - range.begin;
  gemm.K = weights.K;
  task.slots = slots_of(call);
  if (call.kernels.align != nullptr) {
    task.order = call.at<int32_t>(call.plan.order);
    task.offsets = call.at<int32_t>(call.plan.offsets);
  }
  task.slots_of_row = 1;
  task.w_step = cuda_layout_bytes(copy.layout, weights.N, weights.K);
  task.alpha_step = weights.alpha_stride;
  return task;
}

float* gate_up_of(const CudaMoeCall& call, int64_t part) {
  return call.at<float>(call.plan.gate_up) + part * call.slots() * 2 * call.plan.I;
}

}  // namespace

CudaAlignTask align_task(const CudaMoeCall& call) {
  const ternary_moe_operands& o = call.operands;
  // The sum counts the wrong ids.
  return {o.expert_ids,
          o.ld_ids,
          o.M,
          o.T,
          call.plan.E,
          call.at<int32_t>(call.plan.order),
          call.at<int32_t>(call.plan.offsets),
          nullptr};
}

CudaExpertRowsTask rows_task(const CudaMoeCall& call) {
  const ternary_moe_operands& o = call.operands;
  CudaExpertRowsTask task = {};
  task.inputs = inputs_of(call, call.moe.w13, call.copy.w13, call.plan.x, x_rows(call));
  ActivationTask& rows = task.inputs.activations.rows;
  rows.x = o.x;
  rows.x_dtype = o.x_dtype;
  rows.ldx = o.ldx;
  rows.x_scale = o.x_scale;
  task.inputs.activations.clear = call.at<int32_t>(call.plan.tickets);
  task.inputs.activations.clear_count = call.kernels.gate_tickets + call.kernels.sum_tickets;
  rows.rotation = call.moe.rotation13;
  rows.signs = call.copy.signs13;
  task.by_slot = call.plan.by_slot;
  task.parts = static_cast<int>(call.plan.parts);
  if (call.moe.weight_on_input) {
    task.weights = o.expert_weights;
    task.weights_dtype = o.expert_weights_dtype;
    task.ld_weights = o.ld_weights;
  }
  return task;
}

CudaExpertsTask gate_up_task(const CudaMoeCall& call, int64_t part) {
  CudaActivationTask activations = inputs_of(call, call.moe.w13, call.copy.w13, call.plan.x, x_rows(call)).activations;
  const int64_t first = part * call.slots();  // part 0 is all there is where x' is the row's
  if (activations.q != nullptr) {
    activations.q += first * activations.ldq;
    activations.s += first;
    activations.q_sums += first * sums_of_row(call.plan.x.K, call.plan.x.unit);
  } else {
    activations.planes += first * activations.ld_plane;
  }
  const RowRange range = call.moe.rows_of_part(static_cast<int>(part), kTile);
  CudaExpertsTask task = experts_task(call, call.moe.w13, call.copy.w13, activations, range);
  if (!call.plan.by_slot) task.slots_of_row = call.plan.T;
  task.gemm.y = gate_up_of(call, part) + range.begin;
  task.gemm.y_dtype = TERNARY_F32;
  task.gemm.ldy = 2 * call.plan.I;
  if (call.kernels.gate == nullptr && part == call.plan.parts - 1) {
    task.end = CudaExpertsEnd::gate;
    task.tickets = call.at<int32_t>(call.plan.tickets);
    task.gate = gate_task(call);
  }
  return task;
}

CudaExpertGateTask gate_task(const CudaMoeCall& call) {
  CudaExpertGateTask task = {};
  task.inputs = inputs_of(call, call.moe.w2, call.copy.w2, call.plan.h, call.slots());
  task.inputs.activations.rows.rotation = call.moe.rotation2;
  task.inputs.activations.rows.signs = call.copy.signs2;
  task.gate = call.moe.gate_task();
  task.gate.in = gate_up_of(call, 0);
  task.gate.up_in = gate_up_of(call, call.plan.parts - 1);
  return task;
}

CudaExpertsTask down_task(const CudaMoeCall& call) {
  const CudaActivationTask activations =
      inputs_of(call, call.moe.w2, call.copy.w2, call.plan.h, call.slots()).activations;
  CudaExpertsTask task = experts_task(call, call.moe.w2, call.copy.w2, activations, {0, call.plan.H});
  task.gemm.y = call.workspace + call.plan.d;
  task.gemm.y_dtype = call.plan.d_dtype;
  task.gemm.ldy = call.plan.H;
  if (call.kernels.combine == nullptr) {
    task.end = CudaExpertsEnd::sum;
    task.tickets = call.at<int32_t>(call.plan.tickets) + call.kernels.gate_tickets;
    task.sum = combine_task(call);
  }
  return task;
}

CudaCombineTask combine_task(const CudaMoeCall& call) {
  CombineTask task = combine_task(call.operands, call.plan.H, call.moe.scaling);
  task.d = call.workspace + call.plan.d;
  task.d_dtype = call.plan.d_dtype;
  task.rounded_to = call.moe.round_expert;
  task.ldd = call.plan.T * call.plan.H;
  task.use = call.moe.weight_use();
  task.spread = call.moe.skip_combine;
  return {task, call.operands.M, call.plan.E, call.wrong_ids};
}

}  // namespace ternary
