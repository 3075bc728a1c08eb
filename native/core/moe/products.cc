#include "core/moe/products.h"

#include <algorithm>

#include "core/runtime/dispatch.h"

namespace ternary {

ExpertKernels::ExpertKernels(const ternary_runtime& runtime, const ProductKind& kind)
    : gemm_min_m_(runtime.tuning.gemm_min_m(kind.layout)),
      tile_gemm_min_m_(runtime.tuning.tile_gemm_min_m),
      runtime_(runtime),
      kind_(kind) {}

const Kernel* ExpertKernels::for_rows(int64_t rows) {
  const int kind = kind_of_rows(rows);
  if (!used_[kind]) {
    used_[kind] = true;
    choices_[kind] = choose_kernel(runtime_, kind_, rows);
  }
  return choices_[kind].kernel;
}

bool ExpertKernels::first_of_its_kernel(int kind) const {
  for (int other = 0; other < kind; ++other) {
    if (used_[other] && choices_[other].kernel == choices_[kind].kernel) return false;
  }
  return used_[kind];
}

void ExpertKernels::count_choices(ternary_runtime& runtime, Op op) const {
  for (int kind = 0; kind < kKinds; ++kind) {
    if (first_of_its_kernel(kind)) count_choice(runtime, op, choices_[kind]);
  }
}

void ExpertKernels::count_paths(ternary_runtime& runtime, Op op, int64_t block) const {
  for (int kind = 0; kind < kKinds; ++kind) {
    if (first_of_its_kernel(kind)) count_path(runtime, op, runtime.row(*choices_[kind].kernel), block);
  }
}

namespace {

/** In units of a row's products with all of the weights: reading these is worth about one row. */
int64_t cost_of(const ExpertProduct& product) { return (product.rows + 1) * (product.n_end - product.n_begin); }

}  // namespace

int64_t cut_products(const ternary_runtime& runtime, ExpertProduct* products, int64_t count, int64_t K,
                     int64_t& threads) {
  int64_t cost = 0;
  for (int64_t i = 0; i < count; ++i) cost += cost_of(products[i]);
  threads = threads_for(runtime, cost * K / 64, runtime.tuning.work_per_thread / 64 + 1);
  const int64_t wanted = threads * runtime.tuning.chunks_per_thread;
  int64_t chunks = 0;
  for (int64_t i = 0; i < count; ++i) {
    ExpertProduct& product = products[i];
    const int64_t N = product.n_end - product.n_begin;
    // As many chunks as its part of the cost is worth, so that all are about as large.
    const int64_t own = std::max<int64_t>(1, (cost_of(product) * wanted + cost / 2) / cost);
    product.share = own == 1 ? GemmShare{product.rows, N, 1, threads}
                             : cut_product(*product.kernel, product.rows, N, own, std::min(own, threads));
    product.first_chunk = chunks;
    chunks += ceil_div(product.rows, product.share.m_size) * product.share.n_chunks;
  }
  return chunks;
}

const ExpertProduct& product_of(const ExpertProduct* products, int64_t count, int64_t chunk) {
  const ExpertProduct* after =
      std::upper_bound(products, products + count, chunk,
                       [](int64_t value, const ExpertProduct& product) { return value < product.first_chunk; });
  return after[-1];
}

void run_chunk(const ExpertProduct& product, const GemmTask& task, int64_t chunk, void* scratch) {
  const GemmShare& share = product.share;
  const int64_t index = chunk - product.first_chunk;
  const int64_t m = index / share.n_chunks * share.m_size;
  const int64_t n = product.n_begin + index % share.n_chunks * share.n_size;
  product.kernel->gemm(task, m, std::min(m + share.m_size, product.rows), n, std::min(n + share.n_size, product.n_end),
                       scratch);
}

}  // namespace ternary
