#include "core/runtime/dispatch.h"

#include <algorithm>

#include "core/base/failure.h"
#include "core/base/float_environment.h"
#include "core/base/scratch.h"
#include "core/runtime/last_path.h"
#include "core/runtime/report.h"

namespace ternary {
namespace {

Reason refusal(const Kernel& kernel, const GemmTask& task, ternary_layout layout) {
  if (kernel.layout != layout) return Reason::layout;
  if (task.K > kernel.k_max) return Reason::k_range;
  if (task.group % kernel.group_multiple != 0 && task.group < task.K) return Reason::group_size;
  return Reason::none;
}

bool preferred(const Kernel& kernel, int64_t M, const Tuning& tuning) {
  switch (kernel.role) {
    case Role::any: return true;
    case Role::gemv: return M < tuning.gemm_min_m(kernel.layout);
    case Role::gemm: return M >= tuning.gemm_min_m(kernel.layout);
    case Role::tiles: return M >= tuning.tile_gemm_min_m;
  }
  return false;
}

/** The first kernel that accepts: those meant for this M in the table's order, then the others. */
const Kernel& choose(ternary_runtime& runtime, Op op, Stage stage, const GemmTask& task, ternary_layout layout) {
  const bool collect = runtime.settings.collect_path_stats;
  for (const bool wanted : {true, false}) {
    for (const Kernel* kernel : runtime.kernels(stage, layout)) {
      if (preferred(*kernel, task.M, runtime.tuning) != wanted) continue;
      const Reason reason = refusal(*kernel, task, layout);
      if (reason == Reason::none) return *kernel;
      if (collect) runtime.counters.count_fallback(op, runtime.row(*kernel), reason);
      if (runtime.settings.i2s_only) {
        fail(TERNARY_UNSUPPORTED, "TERNARY_I2S_ONLY=1 and %s refuses the problem: %s",
             runtime.counters.path_name(op, runtime.row(*kernel)).c_str(), kReasonNames[static_cast<int>(reason)]);
      }
    }
  }
  fail(TERNARY_UNSUPPORTED, "no %s kernel serves this problem", kOpNames[static_cast<int>(op)]);
}

int threads_for(const ternary_runtime& runtime, int64_t work, int64_t work_per_thread) {
  if (work < 2 * work_per_thread) return 1;  // no division: a call of a small layer takes 0.1 us
  return static_cast<int>(std::min<int64_t>(work / work_per_thread, runtime.pool.threads()));
}

/** Floats that an ActivationFn needs for itself. */
int64_t activation_scratch(int64_t K) { return round_up(K, kRowPadding) + 256; }

/** Floats for all threads that may make M rows ready: more threads than rows have nothing to do. */
int64_t activation_scratch(int64_t K, int64_t M, int threads) {
  return std::min<int64_t>(M, threads) * activation_scratch(K);
}

struct ActivationWork {
  const Kernel& kernel;
  const ActivationTask& task;
  int64_t M, rows;  // rows a chunk
  float* scratch;
};

void activation_chunk(void* context, int64_t chunk, int thread) {
  const auto& work = *static_cast<const ActivationWork*>(context);
  const int64_t begin = chunk * work.rows;
  work.kernel.activations(work.task, begin, std::min(begin + work.rows, work.M),
                          work.scratch + thread * activation_scratch(work.task.K));
}

/** Makes M rows ready; `scratch` holds activation_scratch() floats for the threads of the pool. */
void run_activations(ternary_runtime& runtime, const ActivationTask& task, int64_t M, float* scratch) {
  const int threads =
      static_cast<int>(std::min<int64_t>(M, threads_for(runtime, M * task.K, runtime.tuning.elements_per_thread)));
  if (threads == 1) return runtime.activation_kernel().activations(task, 0, M, scratch);
  const int64_t rows = std::max<int64_t>(1, M / (threads * runtime.tuning.chunks_per_thread));
  ActivationWork work{runtime.activation_kernel(), task, M, rows, scratch};
  runtime.pool.run(ceil_div(M, rows), threads, activation_chunk, &work);
}

/** How a product is cut: chunk c covers rows (c / n_chunks) * m_size ... and columns (c % n_chunks) * n_size ... */
struct GemmWork {
  const Kernel& kernel;
  const GemmTask& task;
  int64_t m_size, n_size, n_chunks;
  char* scratch;
  int64_t scratch_bytes;
};

void gemm_chunk(void* context, int64_t chunk, int thread) {
  const auto& work = *static_cast<const GemmWork*>(context);
  const int64_t m = chunk / work.n_chunks * work.m_size, n = chunk % work.n_chunks * work.n_size;
  work.kernel.gemm(work.task, m, std::min(m + work.m_size, work.task.M), n, std::min(n + work.n_size, work.task.N),
                   work.scratch + thread * work.scratch_bytes);
}

void run_gemm(ternary_runtime& runtime, const Kernel& kernel, const GemmTask& task, char* scratch,
              int64_t scratch_bytes) {
  const int threads = threads_for(runtime, task.M * task.K / 64 * task.N, runtime.tuning.work_per_thread / 64 + 1);
  if (threads == 1) return kernel.gemm(task, 0, task.M, 0, task.N, scratch);
  // Columns first: each thread then reads its own weights once. Rows too when there are too few columns.
  GemmWork work{kernel, task, task.M, task.N, 1, scratch, scratch_bytes};
  const int64_t wanted = threads * runtime.tuning.chunks_per_thread;
  const int64_t n_units = ceil_div(task.N, kernel.n_step), m_units = ceil_div(task.M, kernel.m_step);
  work.n_size = std::max<int64_t>(1, n_units / wanted) * kernel.n_step;
  work.n_chunks = ceil_div(task.N, work.n_size);
  if (work.n_chunks < threads) work.m_size = std::max<int64_t>(1, m_units * work.n_chunks / wanted) * kernel.m_step;
  runtime.pool.run(ceil_div(task.M, work.m_size) * work.n_chunks, threads, gemm_chunk, &work);
}

/** The buffers between the stages of one product, in a block of the runtime's scratch. */
struct Buffers {
  Buffers(ScratchPool& pool, const Product& product, bool two_passes, int threads, int64_t gemm_bytes_per_thread)
      : padded(padded_columns(product.weights->layout, product.weights->K)),
        ld(padded / kRowPadding % 2 == 0 ? padded + kRowPadding : padded),
        a8(product.activation == TERNARY_A8),
        gemm_bytes(round_up(gemm_bytes_per_thread, kScratchAlignment)),
        scratch(pool, bytes(product.M, two_passes, threads)) {
    if (a8) {
      q = scratch.take<int8_t>(product.M * ld);
      s = scratch.take<float>(product.M);
      q_sum = scratch.take<int32_t>(product.M);
    } else {
      f = scratch.take<float>(product.M * ld);
    }
    if (two_passes) normed = scratch.take<float>(product.M * ld);
    rows = scratch.take<float>(activation_scratch(ld, product.M, threads));
    gemm = scratch.take<char>(threads * gemm_bytes);
  }

  int64_t bytes(int64_t M, bool two_passes, int threads) const {
    const int64_t f_bytes = round_up(M * ld * 4, kScratchAlignment);
    const int64_t input = a8 ? round_up(M * ld, kScratchAlignment) + 2 * round_up(M * 4, kScratchAlignment) : f_bytes;
    return input + (two_passes ? f_bytes : 0) + round_up(activation_scratch(ld, M, threads) * 4, kScratchAlignment) +
           threads * gemm_bytes;
  }

  const int64_t padded;  ///< columns of a row that are set
  const int64_t ld;      ///< an odd number of cache lines: the same column of many rows then lies in many cache sets
  const bool a8;
  const int64_t gemm_bytes;
  Scratch scratch;
  int8_t* q = nullptr;
  float* s = nullptr;
  int32_t* q_sum = nullptr;
  float* f = nullptr;
  float* normed = nullptr;
  float* rows = nullptr;
  char* gemm = nullptr;
};

/** First of two passes: residual and norm into fp32 rows, which the second takes as its X. */
void norm_pass(ternary_runtime& runtime, ActivationTask& task, int64_t M, const Buffers& buffers) {
  ActivationTask norm = task;
  norm.alpha_column = nullptr;
  norm.f = buffers.normed;
  norm.ldf = buffers.ld;
  norm.padded = buffers.padded;
  run_activations(runtime, norm, M, buffers.rows);
  task.x = buffers.normed;
  task.x_dtype = TERNARY_F32;
  task.ldx = buffers.ld;
  task.x_scale = nullptr;
  task.residual = nullptr;
  task.residual_out = nullptr;
  task.norm_weight = nullptr;
}

}  // namespace

void count_path(ternary_runtime& runtime, Op op, size_t row) noexcept {
  set_last_path(runtime, op, row);
  if (!runtime.settings.collect_path_stats) return;
  runtime.counters.count_path(op, row);
  const int64_t every = runtime.settings.path_report_every;
  if (every > 0 && !runtime.settings.path_report.empty() &&
      (runtime.calls.fetch_add(1, std::memory_order_relaxed) + 1) % static_cast<uint64_t>(every) == 0) {
    write_due_report(runtime);
  }
}

void run_product(ternary_runtime& runtime, const Product& product) {
  const FloatEnvironment environment;
  const bool two_passes = product.norm && !runtime.settings.fuse_rmsnorm_qkv;
  const Op op = product.norm && !two_passes ? Op::rmsnorm_linear : Op::linear;
  GemmTask gemm = product.gemm_task();
  const Stage stage = product.activation == TERNARY_A8 ? Stage::gemm_a8 : Stage::gemm_a16;
  const Kernel& kernel = choose(runtime, op, stage, gemm, product.weights->layout);
  const int64_t gemm_bytes = kernel.scratch_bytes ? kernel.scratch_bytes(gemm.M, gemm.N, gemm.K) : 0;
  const Buffers buffers(runtime.scratch, product, two_passes, runtime.pool.threads(), gemm_bytes);

  ActivationTask activations = product.activation_task();
  if (two_passes) {
    norm_pass(runtime, activations, product.M, buffers);
    count_path(runtime, Op::rmsnorm, runtime.row(runtime.activation_kernel()));
  }
  activations.q = buffers.q;
  activations.ldq = buffers.ld;
  activations.s = buffers.s;
  activations.q_sum = buffers.q_sum;
  activations.f = buffers.f;
  activations.ldf = buffers.ld;
  activations.padded = buffers.padded;
  run_activations(runtime, activations, product.M, buffers.rows);

  gemm.q = buffers.q;
  gemm.ldq = buffers.ld;
  gemm.q_sum = buffers.q_sum;
  gemm.s = buffers.s;
  gemm.f = buffers.f;
  gemm.ldf = buffers.ld;
  gemm.prefetch_bytes = runtime.tuning.prefetch_bytes;
  run_gemm(runtime, kernel, gemm, buffers.gemm, buffers.gemm_bytes);
  count_path(runtime, op, runtime.row(kernel));
}

void run_quantise(ternary_runtime& runtime, const ActivationTask& task, int64_t M) {
  const FloatEnvironment environment;
  const int64_t floats = activation_scratch(task.K, M, runtime.pool.threads());
  Scratch scratch(runtime.scratch, floats * 4);
  run_activations(runtime, task, M, scratch.take<float>(floats));
  count_path(runtime, Op::quantise_activations, runtime.row(runtime.activation_kernel()));
}

}  // namespace ternary
