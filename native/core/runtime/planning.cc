#include "core/runtime/planning.h"

#include <algorithm>
#include <cstring>

#include "core/base/failure.h"

namespace ternary {
namespace {

/** What a plan depends on besides what the runtime was made with. */
PlanKey key_of(const Product& product, uint64_t rows_off) {
  const ternary_weights& w = product.weights();
  const uint64_t kind = static_cast<uint64_t>(product.layer.block) << 32 | rows_off << 16 |
                        static_cast<uint64_t>(w.layout) << 2 | static_cast<uint64_t>(product.layer.activation) << 1 |
                        static_cast<uint64_t>(product.layer.has_norm());
  return {{static_cast<uint64_t>(product.M()) << 32 | static_cast<uint64_t>(w.N),
           static_cast<uint64_t>(w.K) << 32 | static_cast<uint64_t>(w.group), kind}};
}

Reason refusal(const Kernel& kernel, const ProductKind& kind) {
  if (kernel.layout != kind.layout) return Reason::layout;
  if (kind.K > kernel.k_max) return Reason::k_range;
  if (kind.unit % kernel.group_multiple != 0 && kind.unit < kind.K) return Reason::group_size;
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

/** Rows that would make rows of X ready, had they not been switched off. */
template <typename Body>
void each_activations_off(const ternary_runtime& runtime, Body body) {
  for (const Kernel* kernel : runtime.kernels(Stage::activations, TERNARY_LAYOUT_I2S)) {
    if (kernel == &runtime.activation_kernel()) return;
    body(runtime.row(*kernel));
  }
}

GemmShare share_gemm(const ternary_runtime& runtime, const Kernel& kernel, int64_t M, int64_t N, int64_t K) {
  const int threads = threads_for(runtime, M * K / 64 * N, runtime.tuning.work_per_thread / 64 + 1);
  if (threads == 1) return {M, N, 1, 1};
  return cut_product(kernel, M, N, threads * runtime.tuning.chunks_per_thread, threads);
}

/** The sizes of what lies between the stages, as dispatch takes it from the scratch. */
void set_scratch(const ternary_runtime& runtime, const Product& product, bool two_passes, Plan& plan) {
  const int64_t M = product.M(), K = product.weights().K;
  const bool a8 = product.layer.activation == TERNARY_A8;
  const auto aligned = [](int64_t bytes) { return round_up(bytes, kScratchAlignment); };
  plan.padded = padded_columns(product.weights().layout, K);
  plan.ld = row_stride(plan.padded);
  plan.gemm_scratch = plan.kernel->scratch_bytes == nullptr ? 0 : aligned(plan.kernel->scratch_bytes());
  plan.table_bytes = plan.kernel->table_bytes(K, product.unit());
  plan.activation_scratch = activation_scratch(plan.ld, M, runtime.pool.threads());
  const int64_t floats = aligned(M * plan.ld * 4), scales = M * scales_of_row(K, product.layer.block);
  const int64_t q_sums = M * sums_of_row(K, product.unit());
  const int64_t q = aligned(M * plan.ld) + aligned(scales * 4) + aligned(q_sums * 4);
  plan.bytes = (a8 ? q : floats) + (two_passes ? floats : 0) + aligned(plan.activation_scratch * 4) +
               M * plan.table_bytes + runtime.pool.threads() * plan.gemm_scratch;
}

/** Kernel null: nothing may serve. */
Plan make_plan(const ternary_runtime& runtime, const Product& product, bool two_passes) {
  const int64_t M = product.M(), N = product.weights().N, K = product.weights().K;
  Plan plan = {};
  static_cast<Choice&>(plan) =
      choose_kernel(runtime, kind_of(product.weights(), product.layer.activation, product.layer.block), M);
  if (plan.kernel == nullptr) return plan;
  each_activations_off(runtime, [&](size_t row) { plan.refusals.add(row, Reason::validation); });
  plan.rows = share_rows(runtime, M, K);
  plan.gemm = share_gemm(runtime, *plan.kernel, M, N, K);
  set_scratch(runtime, product, two_passes, plan);
  return plan;
}

}  // namespace

bool is_current(const ternary_runtime& runtime, const PlanKey& key) {
  return key.part(2, 16, 16) == static_cast<int64_t>(runtime.rows_off.version());
}

PlannedProduct product_of(const PlanKey& key) {  // as key_of() packs it
  return {key.part(0, 32, 32),
          key.part(0, 0, 32),
          key.part(1, 32, 32),
          key.part(1, 0, 32),
          key.part(2, 32, 32),
          key.part(2, 0, 1) != 0,
          static_cast<ternary_layout>(key.part(2, 2, 14)),
          static_cast<ternary_activation>(key.part(2, 1, 1))};
}

ProductKind kind_of(const ternary_weights& weights, ternary_activation activation, int64_t block) {
  const Stage stage = activation == TERNARY_A8 ? Stage::gemm_a8 : Stage::gemm_a16;
  return {stage, weights.layout, weights.K, unit_columns(weights.group, block)};
}

Choice choose_kernel(const ternary_runtime& runtime, const ProductKind& kind, int64_t M) {
  Choice choice;
  for (const bool wanted : {true, false}) {
    for (const Kernel* kernel : runtime.kernels(kind.stage, kind.layout)) {
      if (preferred(*kernel, M, runtime.tuning) != wanted) continue;
      const bool off = runtime.rows_off.has(runtime.row(*kernel));
      const Reason reason = off ? Reason::validation : refusal(*kernel, kind);
      if (reason == Reason::none) {
        choice.kernel = kernel;
        return choice;
      }
      choice.refusals.add(runtime.row(*kernel), reason);
      if (runtime.settings.i2s_only) return choice;
    }
  }
  return choice;
}

void count_choice(ternary_runtime& runtime, Op op, const Choice& choice) {
  if (runtime.settings.collect_path_stats) {
    for (const Refusal& refusal : choice.refusals) runtime.counters.count_fallback(op, refusal.row, refusal.reason());
  }
  if (choice.kernel != nullptr) return;
  if (runtime.settings.i2s_only && choice.refusals.count > 0) {
    const Refusal& refusal = *choice.refusals.begin();
    fail(TERNARY_UNSUPPORTED, "TERNARY_I2S_ONLY=1 and %s refuses the problem: %s",
         runtime.counters.path_name({op, refusal.row}).c_str(), kReasonNames[refusal.code]);
  }
  fail(TERNARY_UNSUPPORTED, "no %s kernel serves this problem", kOpNames[static_cast<int>(op)]);
}

void count_activations_off(ternary_runtime& runtime, Op op) {
  if (!runtime.settings.collect_path_stats || runtime.rows_off.version() == 0) return;
  each_activations_off(runtime, [&](size_t row) { runtime.counters.count_fallback(op, row, Reason::validation); });
}

int threads_for(const ternary_runtime& runtime, int64_t work, int64_t work_per_thread) {
  return static_cast<int>(std::clamp<int64_t>(work / work_per_thread, 1, static_cast<int64_t>(runtime.pool.threads())));
}

GemmShare cut_product(const Kernel& kernel, int64_t M, int64_t N, int64_t chunks, int64_t threads) {
  GemmShare share = {M, N, 1, threads};
  // Columns first: each thread then reads its own weights once. Rows too when there are too few columns.
  const int64_t n_count = ceil_div(N, kernel.n_multiple), m_count = ceil_div(M, kernel.m_multiple);
  share.n_size = std::max<int64_t>(1, n_count / chunks) * kernel.n_multiple;
  share.n_chunks = ceil_div(N, share.n_size);
  if (share.n_chunks < threads)
    share.m_size = std::max<int64_t>(1, m_count * share.n_chunks / chunks) * kernel.m_multiple;
  return share;
}

RowShare share_rows(const ternary_runtime& runtime, int64_t M, int64_t K) {
  const int threads =
      static_cast<int>(std::min<int64_t>(M, threads_for(runtime, M * K, runtime.tuning.elements_per_thread)));
  return {threads == 1 ? M : std::max<int64_t>(1, M / (threads * runtime.tuning.chunks_per_thread)), threads};
}

Passes passes_of(const ternary_runtime& runtime, const Product& product) {
  const bool two = product.layer.has_norm() && !runtime.settings.fuse_rmsnorm_qkv;
  return {product.layer.has_norm() && !two ? Op::rmsnorm_linear : Op::linear, two};
}

Plan plan_for(ternary_runtime& runtime, const Product& product, const Passes& passes) {
  const uint64_t rows_off = runtime.rows_off.version();
  return runtime.plans.get(
      key_of(product, rows_off), [&] { return make_plan(runtime, product, passes.two); },
      [&](const Plan& plan) { count_choice(runtime, passes.op, plan); },
      [&] { return runtime.rows_off.is_still(rows_off); });
}

}  // namespace ternary
