#include "core/runtime/row_ops.h"

#include "core/base/float_environment.h"
#include "core/base/scratch.h"
#include "core/product/head_norm.h"
#include "core/product/product.h"
#include "core/product/rotate.h"
#include "core/runtime/dispatch.h"
#include "core/runtime/planning.h"
#include "core/runtime/rows.h"

namespace ternary {
namespace {

/** The scratch of the threads that may go through M rows. */
struct RowsScratch {
  RowsScratch(ternary_runtime& runtime, int64_t M, int64_t columns)
      : count(activation_scratch(columns, M, runtime.pool.threads())),
        scratch(runtime.scratch, count * 4),
        floats(scratch.take<float>(count)) {}

  const int64_t count;
  Scratch scratch;
  float* const floats;
};

}  // namespace

void run_quantise(ternary_runtime& runtime, const ternary_quantise_operands& operands) {
  const FloatEnvironment environment;
  const int64_t M = operands.M, K = operands.K;
  const RowsScratch scratch(runtime, M, K);
  const Kernel& kernel = runtime.activation_kernel();
  run_rows(runtime, share_rows(runtime, M, K), kernel.rows.activations, quantise_task(operands), M, K, scratch.floats);
  count_activations_off(runtime, Op::quantise_activations);
  count_path(runtime, Op::quantise_activations, runtime.row(kernel), operands.block);
}

void run_rotate(ternary_runtime& runtime, const ternary_rotate_operands& operands) {
  const FloatEnvironment environment;
  const int64_t M = operands.M, K = operands.K;
  const RowsScratch scratch(runtime, M, K);
  const Kernel& kernel = runtime.rows_kernel(Stage::rotate);
  run_rows(runtime, share_rows(runtime, M, K), kernel.rows.rotate, rotate_task(operands), M, K, scratch.floats);
  count_path(runtime, Op::rotate, runtime.row(kernel));
}

void run_qk_norm(ternary_runtime& runtime, const ternary_qk_norm_operands& operands) {
  const FloatEnvironment environment;
  const int64_t M = operands.M, head_dim = operands.head_dim;
  const RowsScratch scratch(runtime, M, head_dim);
  const Kernel& kernel = runtime.rows_kernel(Stage::head_norm);
  for (const ternary_heads* heads : {&operands.q, &operands.k}) {
    if (heads->data == nullptr) continue;
    run_rows(runtime, share_rows(runtime, M, heads->count * head_dim), kernel.rows.head_norm,
             head_norm_task(*heads, head_dim), M, head_dim, scratch.floats);
  }
  count_path(runtime, Op::qk_norm, runtime.row(kernel));
}

}  // namespace ternary
