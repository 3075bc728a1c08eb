#include "core/experts/combine.h"
#include "core/moe/call.h"
#include "core/moe/row_ops.h"

namespace ternary {
namespace {

/** The weights' part of an expert's product. */
GemmTask product_task(const MoeCall& call, const ternary_weights& weights, const ExpertProduct& product) {
  GemmTask task = {};
  task.w = weights.expert_codes(product.expert);
  task.alpha = weights.expert_alpha(product.expert);
  task.group = weights.group;
  task.M = product.rows;
  task.N = weights.N;
  task.prefetch_bytes = call.runtime.tuning.prefetch_bytes;
  return task;
}

GemmTask first_task(const MoeCall& call, const ExpertProduct& product) {
  const MoeSizes& z = call.sizes;
  const MoeBuffers& b = call.buffers;
  GemmTask task = product_task(call, call.moe.w13, product);
  const int64_t place = product.part * z.slots() + product.place;
  set_inputs(z.x, product.x_of_row ? b.x_of_row : b.x_of_place, product.x_row, product.x_step, b.x_scales, place, task);
  task.y = b.gate_up + place * 2 * z.I;
  task.y_dtype = TERNARY_F32;
  task.ldy = 2 * z.I;
  return task;
}

GemmTask second_task(const MoeCall& call, const ExpertProduct& product) {
  const MoeSizes& z = call.sizes;
  GemmTask task = product_task(call, call.moe.w2, product);
  set_inputs(z.h, call.buffers.h, product.place, 1, call.buffers.h_scales, product.place, task);
  task.y = call.buffers.d + product.place * z.H * (z.d_dtype == TERNARY_F32 ? 4 : 2);
  task.y_dtype = z.d_dtype;
  task.ldy = z.H;
  return task;
}

/** All of a stage's products; `task_of` sets up a task. */
template <typename TaskOf>
void run_products(const MoeCall& call, int64_t count, int64_t K, TaskOf task_of) {
  ExpertProduct* products = call.buffers.products;
  int64_t threads;
  const int64_t chunks = cut_products(call.runtime, products, count, K, threads);
  run_chunks(call.runtime, chunks, threads, [&](int64_t chunk, int thread) {
    const ExpertProduct& product = product_of(products, count, chunk);
    run_chunk(product, task_of(call, product), chunk, call.buffers.gemm + thread * call.sizes.gemm_scratch);
  });
}

GateTask gate_task(const MoeCall& call, int64_t place, float* h) {
  const MoeSizes& z = call.sizes;
  GateTask task = call.moe.gate_task();
  // Part 0 is of the gates, part 1 of the ups, where each has its x'.
  task.in = call.buffers.gate_up + place * 2 * z.I;
  task.up_in = task.in + (z.parts - 1) * z.slots() * 2 * z.I;
  task.h = h;
  return task;
}

void make_hidden_row(const MoeCall& call, int64_t place, float* floats) {
  const MoeSizes& z = call.sizes;
  float* const h = floats;
  float* const scratch = floats + round_up(z.I, kRowPadding);
  call.kernels.gate.rows.gate(gate_task(call, place, h), 0, 1, scratch);
  const int64_t slot = call.buffers.order.slots[place];
  ActivationTask task = {};
  task.x = h;
  task.x_dtype = TERNARY_F32;
  task.ldx = z.I;
  task.rotation = call.moe.rotation2;
  task.signs = call.moe.signs2();
  task.alpha_column = call.moe.w2.expert_column_alpha(call.slots().id(slot / z.T, slot % z.T), 0);
  set_outputs(z.h, call.buffers.h, place, call.buffers.h_scales, place, task);
  call.kernels.activations.rows.activations(task, 0, 1, scratch);
}

}  // namespace

void run_first_products(const MoeCall& call, int64_t products) {
  run_products(call, products, call.sizes.H, first_task);
}

void make_hidden(const MoeCall& call) {
  const int64_t slots = call.buffers.order.count(call.sizes.E);
  if (slots == 0) return;
  // A gate costs what quantising some columns does, and there are two of each.
  const RowShare share = share_rows(call.runtime, slots, 4 * call.sizes.I);
  run_chunks(call.runtime, slots, share.threads,
             [&](int64_t place, int thread) { make_hidden_row(call, place, call.floats(thread)); });
}

void run_second_products(const MoeCall& call, int64_t products) {
  // The experts, rows and places are those of the first products; of two parts one is enough.
  const int64_t count = products / call.sizes.parts;
  for (int64_t i = 0; i < count; ++i) {
    ExpertProduct& product = call.buffers.products[i];
    product.kernel = call.kernels.second.for_rows(product.rows);
    product.n_begin = 0;
    product.n_end = call.sizes.H;
  }
  run_products(call, count, call.sizes.I, second_task);
}

void combine_slots(const MoeCall& call) {
  const MoeSizes& z = call.sizes;
  const ternary_moe& moe = call.moe;
  const ternary_moe_operands& o = call.operands;
  CombineTask task = combine_task(o, z.H, moe.scaling);
  task.d = call.buffers.d;
  task.d_dtype = z.d_dtype;
  task.rounded_to = moe.round_expert;
  task.ldd = z.H;
  task.places = call.buffers.order.places;
  task.use = moe.weight_use();
  task.spread = moe.skip_combine;
  run_combine_task(call.runtime, call.kernels.combine, task, o.M);
}

}  // namespace ternary
