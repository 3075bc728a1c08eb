#include "core/moe/row_ops.h"

#include <algorithm>

#include "core/base/float_environment.h"
#include "core/base/scratch.h"
#include "core/experts/combine.h"
#include "core/experts/route.h"
#include "core/moe/run_chunks.h"
#include "core/runtime/dispatch.h"
#include "core/runtime/planning.h"

namespace ternary {
namespace {

/** Experts of a chunk of the router's product: their rows stay in the second-level cache for all rows of X. */
constexpr int64_t kRouterExperts = 16;

struct RouteBuffers {
  RouteBuffers(ternary_runtime& runtime, const ternary_route_operands& operands)
      : columns(std::max(route_columns(operands.E), operands.H)),
        floats_of_thread(activation_scratch(columns)),
        logits_count(operands.logits == nullptr ? operands.M * operands.E : 0),
        scratch(runtime.scratch,
                round_up(logits_count * 4, kScratchAlignment) + runtime.pool.threads() * floats_of_thread * 4),
        logits(scratch.take<float>(logits_count)),
        floats(scratch.take<float>(runtime.pool.threads() * floats_of_thread)) {}

  const int64_t columns, floats_of_thread, logits_count;
  Scratch scratch;
  float* const logits;
  float* const floats;
};

/** Logits of x and the router. */
void run_router(ternary_runtime& runtime, const ternary_route_operands& o, const RouteBuffers& buffers) {
  const RouterTask task = router_task(o, buffers.logits);
  const Kernel& kernel = runtime.rows_kernel(Stage::router);
  // A product of floats takes about eight times that of a ternary weight.
  const int threads = threads_for(runtime, o.M * o.E * o.H, runtime.tuning.work_per_thread / 8 + 1);
  run_chunks(runtime, ceil_div(o.E, kRouterExperts), threads, [&](int64_t chunk, int thread) {
    const int64_t e = chunk * kRouterExperts;
    kernel.rows.router(task, e, std::min(e + kRouterExperts, o.E), buffers.floats + thread * buffers.floats_of_thread);
  });
  count_path(runtime, Op::router, runtime.row(kernel));
}

}  // namespace

void run_route(ternary_runtime& runtime, const ternary_route_operands& operands) {
  const FloatEnvironment environment;
  const RouteBuffers buffers(runtime, operands);
  if (operands.logits == nullptr) run_router(runtime, operands, buffers);
  const RouteTask task = route_task(operands, buffers.logits);
  const Kernel& kernel = runtime.rows_kernel(Stage::route);
  const RowShare share = share_rows(runtime, operands.M, operands.E * (operands.k + 8) / 8);
  run_chunks(runtime, ceil_div(operands.M, share.rows), share.threads, [&](int64_t chunk, int thread) {
    const int64_t m = chunk * share.rows;
    kernel.rows.route(task, m, std::min(m + share.rows, operands.M),
                      buffers.floats + thread * buffers.floats_of_thread);
  });
  count_path(runtime, Op::route, runtime.row(kernel));
}

void run_combine_task(ternary_runtime& runtime, const Kernel& kernel, const CombineTask& task, int64_t M) {
  const RowShare share = share_rows(runtime, M, task.T * task.H / 2);
  run_chunks(runtime, ceil_div(M, share.rows), share.threads, [&](int64_t chunk, int) {
    const int64_t m = chunk * share.rows;
    kernel.rows.combine(task, m, std::min(m + share.rows, M), nullptr);
  });
}

void run_combine(ternary_runtime& runtime, const ternary_combine_operands& o) {
  const FloatEnvironment environment;
  const CombineTask task = combine_task(o);
  const Kernel& kernel = runtime.rows_kernel(Stage::combine);
  run_combine_task(runtime, kernel, task, o.M);
  count_path(runtime, Op::combine, runtime.row(kernel));
}

}  // namespace ternary
