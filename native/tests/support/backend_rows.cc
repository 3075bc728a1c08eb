#include "support/backend_rows.h"

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "core/base/float_environment.h"
#include "support/guarded_buffer.h"

namespace ternary::test {
namespace {

const Backend* loaded = nullptr;

/** Scratch as dispatch gives it: aligned, of exactly this size, and with whatever the last user left. */
GuardedBuffer dirty_scratch(int64_t bytes) {
  GuardedBuffer scratch(round_up(bytes, kScratchAlignment));
  std::memset(scratch.data(), 0xff, scratch.bytes());
  return scratch;
}

/** That of a kernel that goes row by row. */
GuardedBuffer dirty_row(int64_t columns) {
  return dirty_scratch((round_up(columns, kRowPadding) + 256) * static_cast<int64_t>(sizeof(float)));
}

}  // namespace

const Backend& backend() { return *loaded; }

std::vector<const Kernel*> runnable_rows(Stage stage) {
  std::vector<const Kernel*> rows;
  for (int row = 0; row < loaded->kernel_count; ++row) {
    const Kernel& kernel = loaded->kernels[row];
    if (kernel.stage == stage && loaded->isa_missing(kernel.isa) == nullptr) rows.push_back(&kernel);
  }
  return rows;
}

std::vector<const LimitLoop*> runnable_loops(ternary_limit kind) {
  std::vector<const LimitLoop*> loops;
  for (int i = 0; i < loaded->limit_loop_count; ++i) {
    const LimitLoop& loop = loaded->limit_loops[i];
    if (loop.kind == kind && loaded->isa_missing(loop.isa) == nullptr) loops.push_back(&loop);
  }
  return loops;
}

void call_activations(const Kernel& kernel, const ActivationTask& task, int64_t m_begin, int64_t m_end) {
  const FloatEnvironment environment;
  kernel.rows.activations(task, m_begin, m_end, dirty_row(task.K).as<float>());
}

void call_rotate(const Kernel& kernel, const RotateTask& task, int64_t m_begin, int64_t m_end) {
  const FloatEnvironment environment;
  kernel.rows.rotate(task, m_begin, m_end, dirty_row(task.K).as<float>());
}

void call_head_norm(const Kernel& kernel, const HeadNormTask& task, int64_t m_begin, int64_t m_end) {
  const FloatEnvironment environment;
  kernel.rows.head_norm(task, m_begin, m_end, dirty_row(task.head_dim).as<float>());
}

void call_gate(const Kernel& kernel, const GateTask& task, int64_t m_begin, int64_t m_end) {
  const FloatEnvironment environment;
  kernel.rows.gate(task, m_begin, m_end, nullptr);
}

void call_gemm(const Kernel& kernel, const GemmTask& task, int64_t m_begin, int64_t m_end, int64_t n_begin,
               int64_t n_end) {
  const FloatEnvironment environment;
  const int64_t bytes = kernel.scratch_bytes == nullptr ? 0 : kernel.scratch_bytes();
  const GuardedBuffer scratch = dirty_scratch(bytes);
  GemmTask with_tables = task;
  with_tables.table_bytes = kernel.table_bytes(task.K, unit_columns(task.group, task.block));
  const GuardedBuffer tables = dirty_scratch(task.M * with_tables.table_bytes);
  if (with_tables.table_bytes > 0) with_tables.tables = tables.data();
  kernel.make_tables(with_tables, m_begin, m_end);
  kernel.gemm(with_tables, m_begin, m_end, n_begin, n_end, scratch.data());
}

}  // namespace ternary::test

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  const char* file = argc > 1 ? argv[1] : "libternary_cpu.so";
  void* library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
  const auto open =
      library == nullptr ? nullptr : reinterpret_cast<ternary::BackendFn>(dlsym(library, "ternary_backend"));
  if (open != nullptr) ternary::test::loaded = open(ternary::kBackendAbi);
  if (ternary::test::loaded == nullptr) {
    std::fprintf(stderr, "%s is no backend of this version: %s\n", file, library == nullptr ? dlerror() : "refused");
    return EXIT_FAILURE;
  }
  if (open(ternary::kBackendAbi + 1) != nullptr) {
    std::fprintf(stderr, "%s accepts a foreign ABI version\n", file);
    return EXIT_FAILURE;
  }
  return RUN_ALL_TESTS();
}
