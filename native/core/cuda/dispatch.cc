#include "core/cuda/dispatch.h"

#include <cinttypes>

#include "abi/dtype.h"
#include "core/base/argument.h"
#include "core/base/failure.h"
#include "core/cuda/call_checks.h"
#include "core/cuda/copies/layer.h"
#include "core/cuda/places.h"
#include "core/cuda/planning.h"
#include "core/runtime/dispatch.h"
#include "core/runtime/planning.h"

namespace ternary {
namespace {

void check_product_memory(const CudaDevice& device, const Product& p) {
  check_memory(device, "x", p.operands.x);
  check_memory(device, "x_scale", p.operands.x_scale);
  check_memory(device, "y", p.operands.y);
  check_memory(device, "residual", p.operands.residual);
  if (p.operands.residual_out != p.operands.residual) check_memory(device, "residual_out", p.operands.residual_out);
}

int64_t matrix_bytes(int64_t rows, int64_t columns, int64_t ld, ternary_dtype dtype) {
  return ((rows - 1) * ld + columns) * dtype_bytes(dtype);
}

void check_workspace(const CudaDevice& device, const ternary_cuda_call& call, int64_t needed, const Product& p) {
  if (call.workspace == nullptr) {
    if (call.workspace_bytes != 0) {
      fail(TERNARY_INVALID_ARGUMENT, "workspace_bytes is %" PRId64 " and workspace is null; it must be 0 then",
           call.workspace_bytes);
    }
    return;
  }
  check_pointer("workspace", call.workspace, kWorkspaceAlignment);
  if (call.workspace_bytes < needed) {
    fail(TERNARY_INVALID_ARGUMENT,
         "workspace_bytes is %" PRId64 "; this call needs %" PRId64
         ", and ternary_workspace_bytes() says what every call does",
         call.workspace_bytes, needed);
  }
  check_memory(device, "workspace", call.workspace);
  const int64_t K = p.weights().K, x_bytes = matrix_bytes(p.M(), K, p.operands.ldx, p.operands.x_dtype);
  const auto apart = [&](const char* name, const void* pointer, int64_t bytes) {
    if (pointer != nullptr) check_no_overlap("workspace", call.workspace, call.workspace_bytes, name, pointer, bytes);
  };
  apart("x", p.operands.x, x_bytes);
  apart("y", p.operands.y, matrix_bytes(p.M(), p.weights().N, p.operands.ldy, p.operands.y_dtype));
  if (p.operands.residual == nullptr) return;
  apart("residual", p.operands.residual, matrix_bytes(p.M(), K, p.operands.ld_residual, p.operands.residual_dtype));
  apart("residual_out", p.operands.residual_out,
        matrix_bytes(p.M(), K, p.operands.ld_residual, p.operands.residual_dtype));
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

void launch(const CudaRuntime& cuda, const Product& p, const CudaProductPlan& plan, const CudaLayer& layer,
            void* stream, uint8_t* workspace) {
  const CudaLaunch how = {stream, cuda.pdl};
  const CudaActivationTask activations = activation_task(p, plan, layer, workspace);
  const CudaGemmTask gemm = gemm_task(p, plan, layer, activations, workspace);
  const Cudart& rt = *cuda.device.cuda;
  if (plan.kernel->stage == CudaStage::fused_a8) {
    check_cuda(rt, plan.kernel->fused({activations, gemm}, plan.launch, how), plan.kernel->file);
    return;
  }
  const CudaKernel& rows = row_of(cuda, CudaStage::activations);
  check_cuda(rt, rows.activations(activations, how), rows.file);
  check_cuda(rt, plan.kernel->gemm(gemm, plan.launch, how), plan.kernel->file);
  if (plan.tail == nullptr) return;
  check_cuda(rt, plan.tail->gemm(tail_task(p, plan, gemm, workspace), plan.tail_launch, how), plan.tail->file);
}

}  // namespace

void start_product(ternary_runtime& runtime, CudaRuntime& cuda, const Product& product, const ternary_cuda_call& call) {
  const CudaDevice& device = cuda.device;
  check_stream(device, call.stream);
  check_product_memory(device, product);
  const auto [op, two_passes] = passes_of(runtime, product);
  const CudaProductPlan plan = plan_for(runtime, cuda, op, product);
  check_workspace(device, call, plan.places.bytes, product);
  const bool capturing = is_capturing(*device.cuda, call.stream);
  if (capturing && call.workspace == nullptr && plan.places.bytes > 0) {
    fail(TERNARY_ILLEGAL_STATE,
         "the stream is being captured and no workspace is given; a graph needs one of the caller's "
         "own, which no other call uses when it is replayed");
  }
  const CudaLayer& layer = layer_on_device(device, product.layer, plan.kernel->layout, capturing, runtime.pool);
  if (call.workspace != nullptr || plan.places.bytes == 0) {
    launch(cuda, product, plan, layer, call.stream, static_cast<uint8_t*>(call.workspace));
  } else {
    unsigned long long id = 0;
    check_cuda(*device.cuda, device.cuda->StreamGetId(call.stream, &id), "cudaStreamGetId");
    const auto lease = cuda.workspaces.take(id, plan.places.bytes);
    launch(cuda, product, plan, layer, call.stream, lease.get());
  }
  if (two_passes) count_path(runtime, Op::rmsnorm, counted_row(runtime, cuda, row_of(cuda, CudaStage::activations)));
  count_path(runtime, op, counted_row(runtime, cuda, *plan.kernel), product.layer.block);
}

}  // namespace ternary
