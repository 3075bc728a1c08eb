#include "core/cuda/calls/row_ops.h"

#include "core/cuda/calls/row_call.h"
#include "core/cuda/planning.h"
#include "core/product/head_norm.h"
#include "core/product/product.h"
#include "core/product/rotate.h"

namespace ternary {

void start_quantise(ternary_runtime& runtime, CudaRuntime& cuda, const ternary_quantise_operands& operands,
                    const ternary_cuda_call& call) {
  CudaActivationTask task = {};
  task.rows = quantise_task(operands);
  check_row_call(cuda.device, call,
                 {{"x", task.rows.x},
                  {"x_scale", task.rows.x_scale},
                  {"alpha_column", task.rows.alpha_column},
                  {"rotation_signs", task.rows.signs},
                  {"q", task.rows.q},
                  {"s", task.rows.s}});
  task.M = operands.M;
  task.plain = true;
  task.q = task.rows.q;
  task.ldq = task.rows.ldq;
  task.padded = task.rows.padded;
  task.s = task.rows.s;
  task.s_row = scales_of_row(operands.K, operands.block);
  task.s_block = 1;
  const CudaKernel& kernel = row_of(cuda, CudaStage::activations);
  const int error = kernel.rows.activations(task, {call.stream, cuda.pdl});
  settle(runtime, cuda, kernel, error, Op::quantise_activations, operands.block);
}

void start_rotate(ternary_runtime& runtime, CudaRuntime& cuda, const ternary_rotate_operands& operands,
                  const ternary_cuda_call& call) {
  const CudaRotateTask task = {rotate_task(operands), operands.M};
  check_row_call(cuda.device, call,
                 {{"x", task.rows.x}, {"x_scale", task.rows.x_scale}, {"signs", task.rows.signs}, {"y", task.rows.y}});
  const CudaKernel& kernel = row_of(cuda, CudaStage::rotate);
  settle(runtime, cuda, kernel, kernel.rows.rotate(task, {call.stream, cuda.pdl}), Op::rotate);
}

void start_qk_norm(ternary_runtime& runtime, CudaRuntime& cuda, const ternary_qk_norm_operands& operands,
                   const ternary_cuda_call& call) {
  check_row_call(cuda.device, call,
                 {{"q", operands.q.data},
                  {"q_weight", operands.q.weight},
                  {"k", operands.k.data},
                  {"k_weight", operands.k.weight}});
  CudaHeadNormTask task = {};
  task.M = operands.M;
  int side = 0;
  for (const ternary_heads* heads : {&operands.q, &operands.k}) {
    if (heads->data != nullptr) task.sides[side++] = head_norm_task(*heads, operands.head_dim);
  }
  const CudaKernel& kernel = row_of(cuda, CudaStage::head_norm);
  settle(runtime, cuda, kernel, kernel.rows.head_norm(task, {call.stream, cuda.pdl}), Op::qk_norm);
}

}  // namespace ternary
