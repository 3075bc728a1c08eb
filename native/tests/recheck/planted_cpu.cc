// The CPU backend with faults: calls the real one (TERNARY_REAL_BACKEND), then makes wrong what a test has planted.
#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <utility>

#include "abi/dtype.h"
#include "abi/kernel.h"
#include "recheck/faults.h"

namespace ternary::test {
namespace {

const Backend* real = nullptr;
std::array<Kernel, kMostPlanted> rows;

void add(void* data, ternary_dtype dtype, int64_t at, float added) {
  store_float(data, dtype, at, load_float(data, dtype, at) + added);
}

template <int row>
void gemm(const GemmTask& task, int64_t m_begin, int64_t m_end, int64_t n_begin, int64_t n_end, void* scratch) {
  real->kernels[row].gemm(task, m_begin, m_end, n_begin, n_end, scratch);
  const Fault& fault = faults[row];
  if (!hits(fault, Fault::Where::y, task.M) || fault.n < n_begin || fault.n >= n_end) return;
  for (int64_t m = m_begin; m < m_end; ++m) {
    if (fault.m < 0 || fault.m == m) add(task.y, task.y_dtype, m * task.ldy + fault.n, fault.added);
  }
}

template <int row>
void activations(const ActivationTask& task, int64_t m_begin, int64_t m_end, float* scratch) {
  real->kernels[row].rows.activations(task, m_begin, m_end, scratch);
  const Fault& fault = faults[row];
  for (int64_t m = m_begin; m < m_end; ++m) {
    if (fault.m >= 0 && fault.m != m) continue;
    if (hits(fault, Fault::Where::residual_out, 0) && task.residual_out != nullptr) {
      add(task.residual_out, task.residual_dtype, m * task.ld_residual + fault.n, fault.added);
    }
    if (hits(fault, Fault::Where::q, 0) && task.q != nullptr) task.q[m * task.ldq + fault.n] ^= 3;
  }
}

template <int... row>
void wrap(std::integer_sequence<int, row...>) {
  const auto one = [](int i, GemmFn product, ActivationFn ready) {
    if (i >= real->kernel_count) return;
    rows[i] = real->kernels[i];
    if (rows[i].gemm != nullptr) rows[i].gemm = product;
    if (rows[i].stage == Stage::activations) rows[i].rows = RowsFn(ready);
  };
  (one(row, gemm<row>, activations<row>), ...);
}

/** The real table, with functions of these. */
const Backend* open(int32_t abi) {
  void* library = dlopen(TERNARY_REAL_BACKEND, RTLD_NOW | RTLD_LOCAL);
  const auto backend = library == nullptr ? nullptr : reinterpret_cast<BackendFn>(dlsym(library, "ternary_backend"));
  real = backend == nullptr ? nullptr : backend(abi);
  if (real == nullptr || real->kernel_count > kMostPlanted) return nullptr;
  wrap(std::make_integer_sequence<int, kMostPlanted>());
  static Backend planted;
  planted = *real;
  planted.kernels = rows.data();
  return &planted;
}

}  // namespace
}  // namespace ternary::test

namespace ternary {

extern "C" TERNARY_API const Backend* ternary_backend(int32_t abi) { return test::open(abi); }

extern "C" TERNARY_API void ternary_plant(int32_t row, const test::Fault* fault) { test::faults[row] = *fault; }

}  // namespace ternary
