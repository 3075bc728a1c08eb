#include "core/cuda/dispatch.h"

#include <iterator>

#include "abi/dtype.h"
#include "core/base/failure.h"
#include "core/cuda/call_checks.h"
#include "core/cuda/copies/layer.h"
#include "core/cuda/places.h"
#include "core/cuda/planning.h"
#include "core/runtime/dispatch.h"
#include "core/runtime/planning.h"
#include "core/runtime/served.h"

namespace ternary {
namespace {

/** The call's workspace, beside the operands of a product that needs so many bytes. */
void check_product_workspace(const CudaDevice& device, const ternary_cuda_call& call, int64_t bytes, const Product& p) {
  const ternary_operands& o = p.operands;
  const int64_t M = p.M(), N = p.weights().N, K = p.weights().K;
  const Range apart[] = {matrix_range("x", o.x, o.x_dtype, M, K, o.ldx), matrix_range("y", o.y, o.y_dtype, M, N, o.ldy),
                         matrix_range("residual", o.residual, o.residual_dtype, M, K, o.ld_residual),
                         matrix_range("residual_out", o.residual_out, o.residual_dtype, M, K, o.ld_residual)};
  check_workspace(device, call, bytes, "ternary_workspace_bytes()", apart, std::size(apart));
}

/** The copy on the device with codes in the kernel's layout; made now if that is allowed. */
const CudaLayer& layer_on_device(const CudaDevice& device, const ternary_layer& layer, CudaLayout layout,
                                 bool capturing, ThreadPool& pool) {
  const CudaLayer* found = find_layer(layer, device.ordinal);
  if (found != nullptr && found->weights.codes_in(layout) != nullptr) return *found;
  if (capturing) {
    fail(TERNARY_ILLEGAL_STATE,
         "the stream is being captured and the layer %s; ternary_prepare() must have "
         "run before",
         found == nullptr              ? "has no copy on the device"
         : layout == CudaLayout::dense ? "has no dense copy on the device, which this "
                                         "product needs (TERNARY_PREFILL_SKIP_M makes ternary_prepare() make it)"
                                       : "has no second arrangement on the device");
  }
  return prepare_layer(layer, device, pool, {layout == CudaLayout::dense, layout == CudaLayout::top2});
}

CudaActivationTask activation_task(const Product& p, const CudaProductPlan& plan, const CudaLayer& layer,
                                   uint8_t* workspace) {
  CudaActivationTask task = {};
  task.rows = p.activation_task();
  task.rows.alpha_column = layer.weights.alpha_column;
  task.rows.norm_weight = layer.norm_weight;
  task.rows.signs = layer.signs;
  task.M = p.M();
  task.padded = plan.padded;
  task.unit = unit_columns(p.weights().group, p.layer.block);
  const bool a8 = plan.kernel->stage == CudaStage::gemm_a8;
  if (takes_planes(*plan.kernel)) {
    task.planes = reinterpret_cast<uint16_t*>(workspace + plan.places.planes);
    task.ld_plane = plan.padded;
    task.plane_count = plan.plane_count;
    task.plane_f16 = plan.plane_f16 != 0;
  }
  if (a8) task.s = reinterpret_cast<float*>(workspace + plan.places.s);
  task.s_row = 1;
  task.s_block = p.M();
  if (a8 && !takes_planes(*plan.kernel)) {
    task.plain = plan.kernel->layout == CudaLayout::dense;
    task.q = reinterpret_cast<int8_t*>(workspace + plan.places.q);
    task.ldq = plan.padded;
    task.q_sums = task.plain ? nullptr : reinterpret_cast<int32_t*>(workspace + plan.places.q_sums);
  }
  const int64_t begin = plan.places.tail_partial;
  const int64_t end = plan.launch.clear_bytes > 0 ? plan.places.partial + plan.launch.clear_bytes
                                                  : begin + plan.tail_launch.clear_bytes;
  if (end > begin) {
    task.clear = reinterpret_cast<int32_t*>(workspace + begin);
    task.clear_count = (end - begin) / 4;
  }
  return task;
}

CudaGemmTask gemm_task(const Product& p, const CudaProductPlan& plan, const CudaLayer& layer,
                       const CudaActivationTask& activations, uint8_t* workspace) {
  CudaGemmTask task = {};
  task.q = activations.q;
  task.ldq = activations.ldq;
  task.q_sums = activations.q_sums;
  task.s = activations.s;
  task.ld_s = activations.s_block;
  task.block = p.layer.block;
  task.planes = activations.planes;
  task.ld_plane = activations.ld_plane;
  task.plane_count = activations.plane_count;
  task.plane_f16 = activations.plane_f16;
  task.w = layer.weights.codes_in(plan.kernel->layout);
  task.alpha = layer.weights.alpha;
  task.group = p.weights().group;
  task.bias = layer.bias;
  task.y = p.operands.y;
  task.y_dtype = p.operands.y_dtype;
  task.ldy = p.operands.ldy;
  task.M = plan.tail == nullptr ? p.M() : plan.tail_begin;
  task.N = p.weights().N;
  task.K = p.weights().K;
  task.partial = plan.launch.partial_bytes > 0 ? workspace + plan.places.partial : nullptr;
  return task;
}

/** The tail's task, from that of the rows before it. */
CudaGemmTask tail_task(const Product& p, const CudaProductPlan& plan, CudaGemmTask task, uint8_t* workspace) {
  const int64_t begin = plan.tail_begin;
  task.q += begin * task.ldq;
  task.q_sums += begin * sums_of_row(task.K, unit_columns(task.group, task.block));
  task.s += begin;
  task.y = static_cast<uint8_t*>(task.y) + begin * task.ldy * dtype_bytes(task.y_dtype);
  task.M = p.M() - begin;
  task.partial = plan.tail_launch.partial_bytes > 0 ? workspace + plan.places.tail_partial : nullptr;
  return task;
}

void launch(CudaRuntime& cuda, const Product& p, const CudaProductPlan& plan, const CudaLayer& layer, void* stream,
            uint8_t* workspace) {
  const CudaLaunch how = {stream, cuda.pdl};
  const CudaActivationTask activations = activation_task(p, plan, layer, workspace);
  const CudaGemmTask gemm = gemm_task(p, plan, layer, activations, workspace);
  if (plan.kernel->stage == CudaStage::fused_a8) {
    cuda.launched(plan.kernel->fused({activations, gemm}, plan.launch, how), *plan.kernel);
    return;
  }
  const CudaKernel& rows = row_of(cuda, CudaStage::activations);
  cuda.launched(rows.rows.activations(activations, how), rows);
  cuda.launched(plan.kernel->gemm(gemm, plan.launch, how), *plan.kernel);
  if (plan.tail == nullptr) return;
  cuda.launched(plan.tail->gemm(tail_task(p, plan, gemm, workspace), plan.tail_launch, how), *plan.tail);
}

}  // namespace

void start_product(ternary_runtime& runtime, CudaRuntime& cuda, const Product& product, const ternary_cuda_call& call) {
  const CudaDevice& device = cuda.device;
  const ternary_operands& o = product.operands;
  check_call(
      device, call,
      {{"x", o.x}, {"x_scale", o.x_scale}, {"y", o.y}, {"residual", o.residual}, {"residual_out", o.residual_out}});
  const auto [op, two_passes] = passes_of(runtime, product);
  const CudaProductPlan plan = plan_for(runtime, cuda, op, product);
  check_product_workspace(device, call, plan.places.bytes, product);
  const bool capturing = check_capture(device, call, plan.places.bytes);
  const CudaLayer& layer = layer_on_device(device, product.layer, plan.kernel->layout, capturing, runtime.pool);
  in_workspace(cuda.workspaces, *cuda.device.cuda, call, plan.places.bytes,
               [&](uint8_t* workspace) { launch(cuda, product, plan, layer, call.stream, workspace); });
  if (two_passes) count_path(runtime, Op::rmsnorm, counted_row(runtime, cuda, row_of(cuda, CudaStage::activations)));
  count_path(runtime, op, counted_row(runtime, cuda, *plan.kernel), product.layer.block);
  if (plan.tail != nullptr && runtime.settings.validate) {
    note_served({op, counted_row(runtime, cuda, *plan.tail), product.layer.block}, plan.tail_begin);
  }
}

}  // namespace ternary
