#include "core/cuda/calls/experts.h"

#include "core/cuda/calls/row_call.h"
#include "core/cuda/planning.h"
#include "core/experts/combine.h"
#include "core/experts/route.h"
#include "core/product/ranges.h"

namespace ternary {
namespace {

/** Logits of x and the router, into `logits` [M, E]. */
void start_router(ternary_runtime& runtime, CudaRuntime& cuda, const ternary_route_operands& operands, float* logits,
                  const CudaLaunch& how) {
  const CudaKernel& kernel = row_of(cuda, CudaStage::router);
  settle(runtime, cuda, kernel, kernel.rows.router({router_task(operands, logits), operands.E}, how), Op::router);
}

void start_choice(ternary_runtime& runtime, CudaRuntime& cuda, const ternary_route_operands& operands,
                  const float* logits, const CudaLaunch& how) {
  const CudaKernel& kernel = row_of(cuda, CudaStage::route);
  settle(runtime, cuda, kernel, kernel.rows.route({route_task(operands, logits), operands.M}, how), Op::route);
}

}  // namespace

int64_t route_workspace_bytes(int64_t M, int64_t E) { return round_up(M * E * 4, kWorkspaceAlignment); }

void start_route(ternary_runtime& runtime, CudaRuntime& cuda, const ternary_route_operands& o,
                 const ternary_cuda_call& call) {
  const CudaDevice& device = cuda.device;
  check_call(device, call,
             {{"logits", o.logits},
              {"x", o.x},
              {"router", o.router},
              {"router_bias", o.router_bias},
              {"correction_bias", o.correction_bias},
              {"ids", o.ids},
              {"weights", o.weights}});
  const int64_t bytes = o.logits == nullptr ? route_workspace_bytes(o.M, o.E) : 0;
  const Range apart[] = {matrix_range("x", o.x, o.x_dtype, o.M, o.H, o.ldx),
                         matrix_range("router", o.router, o.router_dtype, o.E, o.H, o.ld_router),
                         vector_range("router_bias", o.router_bias, o.E),
                         vector_range("correction_bias", o.correction_bias, o.E),
                         matrix_range("ids", o.ids, TERNARY_F32, o.M, o.k, o.ld_ids),
                         matrix_range("weights", o.weights, o.weights_dtype, o.M, o.k, o.ld_weights)};
  check_workspace(device, call, bytes, "ternary_route_workspace_bytes()", apart, std::size(apart));
  check_capture(device, call, bytes);
  const CudaLaunch how = {call.stream, cuda.pdl};
  if (o.logits != nullptr) return start_choice(runtime, cuda, o, nullptr, how);
  in_workspace(cuda.workspaces, *cuda.device.cuda, call, bytes, [&](uint8_t* workspace) {
    float* logits = reinterpret_cast<float*>(workspace);
    start_router(runtime, cuda, o, logits, how);
    start_choice(runtime, cuda, o, logits, how);
  });
}

void start_align(ternary_runtime& runtime, CudaRuntime& cuda, const ternary_align_operands& o,
                 const ternary_cuda_call& call) {
  check_row_call(cuda.device, call, {{"expert_ids", o.expert_ids}, {"slots", o.slots}, {"offsets", o.offsets}});
  const CudaAlignTask task = {o.expert_ids, o.ld_ids, o.M, o.T, o.E, o.slots, o.offsets, cuda.wrong_ids.counter()};
  const CudaKernel& kernel = row_of(cuda, CudaStage::align);
  settle(runtime, cuda, kernel, kernel.rows.align(task, {call.stream, cuda.pdl}), Op::align);
}

void start_combine(ternary_runtime& runtime, CudaRuntime& cuda, const ternary_combine_operands& o,
                   const ternary_cuda_call& call) {
  check_row_call(cuda.device, call,
                 {{"d", o.d},
                  {"expert_ids", o.expert_ids},
                  {"expert_weights", o.expert_weights},
                  {"residual", o.residual},
                  {"residual_out", o.residual_out},
                  {"y", o.y}});
  const CudaCombineTask task = {combine_task(o), o.M, o.E, cuda.wrong_ids.counter()};
  const CudaKernel& kernel = row_of(cuda, CudaStage::combine);
  settle(runtime, cuda, kernel, kernel.rows.combine(task, {call.stream, cuda.pdl}), Op::combine);
}

}  // namespace ternary
