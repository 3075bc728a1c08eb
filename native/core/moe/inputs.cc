#include "abi/dtype.h"
#include "core/moe/call.h"

namespace ternary {
namespace {

/** Whether the expert's rows lie at a stride among those of X; sets `step`. */
bool lie_at_a_stride(const int32_t* slots, int64_t rows, int64_t T, int64_t& step) {
  step = rows > 1 ? slots[1] / T - slots[0] / T : 1;
  for (int64_t i = 2; i < rows; ++i) {
    if (slots[i] / T - slots[i - 1] / T != step) return false;
  }
  return true;
}

/** X as a task for one row or all, without outputs. */
ActivationTask input_task(const MoeCall& call) {
  const ternary_moe_operands& o = call.operands;
  ActivationTask task = {};
  task.x = o.x;
  task.x_dtype = o.x_dtype;
  task.ldx = o.ldx;
  task.x_scale = o.x_scale;
  task.rotation = call.moe.rotation13;
  task.signs = call.moe.signs13();
  return task;
}

/** One row of X for all of its slots. */
void make_row(const MoeCall& call, int64_t m, float* scratch) {
  const MoeSizes& z = call.sizes;
  const MoeBuffers& b = call.buffers;
  ActivationTask task = input_task(call);
  set_outputs(z.x, b.x_of_row, 0, b.scales_of_row, 0, task);
  call.kernels.activations.rows.activations(task, m, m + 1, scratch);
  for (int64_t t = 0; t < z.T; ++t) {
    const int32_t place = b.order.places[m * z.T + t];
    if (place < 0) continue;
    copy_scales(z.x, b.scales_of_row, m, b.x_scales, place);
    if (b.gathered[call.slots().id(m, t)]) copy_row(z.x, b.x_of_row, m, b.x_of_place, place);
  }
}

/** x' of one slot, which is its own. */
void make_slot(const MoeCall& call, int64_t place, float* scratch) {
  const MoeSizes& z = call.sizes;
  const ternary_moe_operands& o = call.operands;
  const int64_t slot = call.buffers.order.slots[place], m = slot / z.T, t = slot % z.T;
  ActivationTask task = input_task(call);
  task.x = static_cast<const char*>(o.x) + m * o.ldx * dtype_bytes(o.x_dtype);
  if (o.x_scale != nullptr) task.x_scale = o.x_scale + m;
  float weight;
  if (call.moe.weight_on_input) {
    weight = load_float(o.expert_weights, o.expert_weights_dtype, m * o.ld_weights + t);
    task.row_weights = &weight;
  }
  for (int64_t part = 0; part < z.parts; ++part) {
    task.alpha_column = call.moe.w13.expert_column_alpha(call.slots().id(m, t), static_cast<int>(part));
    const int64_t row = part * z.slots() + place;
    set_outputs(z.x, call.buffers.x_of_place, row, call.buffers.x_scales, row, task);
    call.kernels.activations.rows.activations(task, 0, 1, scratch);
  }
}

}  // namespace

int64_t list_products(const MoeCall& call) {
  const MoeSizes& z = call.sizes;
  const SlotOrder& order = call.buffers.order;
  int64_t count = 0;
  for (int64_t part = 0; part < z.parts; ++part) {
    for (int64_t e = 0; e < z.E; ++e) {
      const int64_t place = order.offsets[e], rows = order.offsets[e + 1] - place;
      if (rows == 0) continue;
      ExpertProduct product = {};
      product.expert = e;
      product.place = place;
      product.rows = rows;
      product.part = part;
      product.kernel = call.kernels.first.for_rows(rows);
      product.x_of_row = !z.by_slot && lie_at_a_stride(order.slots + place, rows, z.T, product.x_step);
      product.x_row = product.x_of_row ? order.slots[place] / z.T : part * z.slots() + place;
      if (!product.x_of_row) product.x_step = 1;
      call.buffers.gathered[e] = !product.x_of_row;
      const RowRange range = call.moe.rows_of_part(static_cast<int>(part), product.kernel->n_multiple);
      product.n_begin = range.begin;
      product.n_end = range.end;
      call.buffers.products[count++] = product;
    }
  }
  return count;
}

void make_inputs(const MoeCall& call, int64_t products) {
  if (products == 0) return;
  const MoeSizes& z = call.sizes;
  if (z.by_slot) {
    const int64_t slots = call.buffers.order.count(z.E);
    const RowShare share = share_rows(call.runtime, slots, z.parts * z.H);
    run_chunks(call.runtime, slots, share.threads,
               [&](int64_t place, int thread) { make_slot(call, place, call.floats(thread)); });
  } else {
    const RowShare share = share_rows(call.runtime, call.operands.M, z.H);
    run_chunks(call.runtime, call.operands.M, share.threads,
               [&](int64_t m, int thread) { make_row(call, m, call.floats(thread)); });
  }
}

}  // namespace ternary
