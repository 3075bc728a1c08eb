#include "core/runtime/dispatch.h"

#include <algorithm>

#include "core/base/float_environment.h"
#include "core/base/scratch.h"
#include "core/runtime/last_path.h"
#include "core/runtime/planning.h"
#include "core/runtime/report.h"
#include "core/runtime/rows.h"
#include "core/runtime/served.h"

namespace ternary {
namespace {

/** Rows made ready for a product, whose kernel may want tables of them. */
struct ReadyTask {
  ActivationFn make_ready;
  const ActivationTask& rows;
  MakeTablesFn make_tables;
  const GemmTask& product;
};

void make_rows_ready(const ReadyTask& task, int64_t m_begin, int64_t m_end, float* scratch) {
  task.make_ready(task.rows, m_begin, m_end, scratch);
  task.make_tables(task.product, m_begin, m_end);
}

struct GemmWork {
  const Plan& plan;
  const GemmTask& task;
  char* scratch;
};

void gemm_chunk(void* context, int64_t chunk, int thread) {
  const auto& work = *static_cast<const GemmWork*>(context);
  const GemmShare& share = work.plan.gemm;
  const int64_t m = chunk / share.n_chunks * share.m_size, n = chunk % share.n_chunks * share.n_size;
  work.plan.kernel->gemm(work.task, m, std::min(m + share.m_size, work.task.M), n,
                         std::min(n + share.n_size, work.task.N), work.scratch + thread * work.plan.gemm_scratch);
}

void run_gemm(ternary_runtime& runtime, const Plan& plan, const GemmTask& task, char* scratch) {
  const GemmShare& share = plan.gemm;
  if (share.threads == 1) return plan.kernel->gemm(task, 0, task.M, 0, task.N, scratch);
  GemmWork work{plan, task, scratch};
  runtime.pool.run(ceil_div(task.M, share.m_size) * share.n_chunks, static_cast<int>(share.threads), gemm_chunk, &work);
}

/** The buffers between the stages of one product, in a piece of the runtime's scratch. */
struct Buffers {
  Buffers(ternary_runtime& runtime, const Plan& plan, const Product& product, bool two_passes)
      : scratch(runtime.scratch, plan.bytes) {
    const int64_t M = product.M();
    // Below X, for the hardware prefetches by stride, beyond the end of X: above it a thread's decoded weights lay where the
    // others' prefetches took them out of its cache. Zen 5, AVX2, M = 64, two threads: 1.06 to 1.3 times the time.
    gemm = scratch.take<char>(runtime.pool.threads() * plan.gemm_scratch);
    if (product.layer.activation == TERNARY_A8) {
      q = scratch.take<int8_t>(M * plan.ld);
      s = scratch.take<float>(M * scales_of_row(product.weights().K, product.layer.block));
      q_sums = scratch.take<int32_t>(M * sums_of_row(product.weights().K, product.unit()));
    } else {
      f = scratch.take<float>(M * plan.ld);
    }
    if (two_passes) normed = scratch.take<float>(M * plan.ld);
    rows = scratch.take<float>(plan.activation_scratch);
    if (plan.table_bytes > 0) tables = scratch.take<char>(M * plan.table_bytes);
  }

  Scratch scratch;
  int8_t* q = nullptr;
  float* s = nullptr;
  int32_t* q_sums = nullptr;
  float* f = nullptr;
  float* normed = nullptr;
  float* rows = nullptr;
  char* gemm = nullptr;
  char* tables = nullptr;
};

/** First of two passes: residual and norm into fp32 rows, which the second takes as its X, rotates and quantises. */
void norm_pass(ternary_runtime& runtime, const Plan& plan, ActivationTask& task, int64_t M, const Buffers& buffers) {
  ActivationTask norm = task;
  norm.rotation = 0;
  norm.signs = nullptr;
  norm.alpha_column = nullptr;
  norm.block = 0;
  norm.f = buffers.normed;
  norm.ldf = plan.ld;
  norm.padded = plan.padded;
  run_rows(runtime, plan.rows, runtime.activation_kernel().rows.activations, norm, M, norm.K, buffers.rows);
  task.x = buffers.normed;
  task.x_dtype = TERNARY_F32;
  task.ldx = plan.ld;
  task.x_scale = nullptr;
  task.residual = nullptr;
  task.residual_out = nullptr;
  task.norm_weight = nullptr;
  count_path(runtime, Op::rmsnorm, runtime.row(runtime.activation_kernel()));
}

}  // namespace

void count_path(ternary_runtime& runtime, Op op, size_t row, int64_t block) noexcept {
  const Path path = {op, row, block};
  set_last_path(runtime, path);
  if (runtime.settings.validate) note_served(path);
  if (!runtime.settings.collect_path_stats) return;
  runtime.counters.count_path(path);
  const int64_t every = runtime.settings.path_report_every;
  if (every > 0 && !runtime.settings.path_report.empty() &&
      (runtime.calls.fetch_add(1, std::memory_order_relaxed) + 1) % static_cast<uint64_t>(every) == 0) {
    write_due_report(runtime);
  }
}

void run_product(ternary_runtime& runtime, const Product& product) {
  const FloatEnvironment environment;
  const Passes passes = passes_of(runtime, product);
  const Plan plan = plan_for(runtime, product, passes);
  const Buffers buffers(runtime, plan, product, passes.two);

  ActivationTask activations = product.activation_task();
  if (passes.two) norm_pass(runtime, plan, activations, product.M(), buffers);
  activations.q = buffers.q;
  activations.ldq = plan.ld;
  activations.s = buffers.s;
  activations.unit = product.unit();
  activations.q_sums = buffers.q_sums;
  activations.f = buffers.f;
  activations.ldf = plan.ld;
  activations.padded = plan.padded;

  GemmTask gemm = product.gemm_task();
  gemm.q = buffers.q;
  gemm.ldq = plan.ld;
  gemm.q_sums = buffers.q_sums;
  gemm.s = buffers.s;
  gemm.f = buffers.f;
  gemm.ldf = plan.ld;
  gemm.tables = buffers.tables;
  gemm.table_bytes = plan.table_bytes;
  gemm.prefetch_bytes = runtime.tuning.prefetch_bytes;

  const ReadyTask ready{runtime.activation_kernel().rows.activations, activations, plan.kernel->make_tables, gemm};
  run_rows(runtime, plan.rows, make_rows_ready, ready, product.M(), activations.K, buffers.rows);
  run_gemm(runtime, plan, gemm, buffers.gemm);
  count_path(runtime, passes.op, runtime.row(*plan.kernel), product.layer.block);
}

}  // namespace ternary
