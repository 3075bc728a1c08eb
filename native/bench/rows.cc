#include "bench/rows.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "abi/dtype.h"
#include "core/base/float_environment.h"

namespace ternary {
namespace {

constexpr int64_t kColumns = 4096;

/** Scratch of one thread. */
class RowScratch {
 public:
  explicit RowScratch(int64_t columns) : floats_(static_cast<size_t>(round_up(columns, kRowPadding) + 256 + 16)) {}
  float* data() {
    return reinterpret_cast<float*>(round_up(reinterpret_cast<int64_t>(floats_.data()), kScratchAlignment));
  }

 private:
  std::vector<float> floats_;
};

/** What is done to a row of bf16 before and while it is quantised. */
struct RowWork {
  const char* name;
  bool norm;
  int64_t block, rotation;
};

/** One row. */
void run_activations(benchmark::State& state, const Kernel& kernel, int64_t K, const RowWork& work) {
  const FloatEnvironment environment;
  std::vector<uint16_t> x(K);
  std::vector<float> norm_weight(K, 1.0f), signs(K, 1.0f), s(scales_of_row(K, work.block));
  std::vector<int8_t> q(round_up(K, kRowPadding));
  RowScratch scratch(K);
  std::vector<int32_t> q_sums(s.size());
  for (int64_t i = 0; i < K; ++i) {
    x[i] = static_cast<uint16_t>(0x3f00 + i * 37 % 256);
    if (i % 3 == 0) signs[i] = -1;
  }
  ActivationTask task = {};
  task.x = x.data();
  task.x_dtype = TERNARY_BF16;
  task.ldx = task.K = K;
  if (work.norm) task.norm_weight = norm_weight.data();
  task.eps = 1e-5f;
  task.rotation = work.rotation;
  if (work.rotation > 0) task.signs = signs.data();
  task.block = work.block;
  task.q = q.data();
  task.ldq = task.padded = static_cast<int64_t>(q.size());
  task.s = s.data();
  task.unit = work.block;
  task.q_sums = q_sums.data();
  for (auto _ : state) kernel.rows.activations(task, 0, 1, scratch.data());
  const int64_t columns = work.block == 0 ? K : work.block;  // of each scale the largest element maps to 127
  for (int64_t begin = 0; begin < K; begin += columns) {
    int largest = 0;
    for (int64_t k = begin; k < std::min(begin + columns, K); ++k) largest = std::max(largest, std::abs(q[k]));
    if (largest != 127) return state.SkipWithError("wrong result");
  }
  state.SetItemsProcessed(state.iterations() * K);
}

/** One row of bf16 with 1 as the first column of each run, so that Y is the factor everywhere. */
void run_rotation(benchmark::State& state, const Kernel& kernel, int64_t rotation) {
  const FloatEnvironment environment;
  std::vector<uint16_t> x(kColumns), y(kColumns);
  RowScratch scratch(kColumns);
  for (int64_t run = 0; run < kColumns; run += rotation) x[run] = float_to_bf16(1);
  RotateTask task = {};
  task.x = x.data();
  task.x_dtype = task.y_dtype = TERNARY_BF16;
  task.ldx = task.ldy = task.K = kColumns;
  task.rotation = rotation;
  task.y = y.data();
  for (auto _ : state) kernel.rows.rotate(task, 0, 1, scratch.data());
  if (std::count(y.begin(), y.end(), y[0]) != kColumns || y[0] == 0) return state.SkipWithError("wrong result");
  state.SetItemsProcessed(state.iterations() * kColumns);
}

/** Heads of ones, which stay ones. */
void run_head_norm(benchmark::State& state, const Kernel& kernel, int64_t heads, int64_t head_dim) {
  const FloatEnvironment environment;
  const int64_t columns = heads * head_dim;
  std::vector<uint16_t> data(columns, float_to_bf16(1));
  const std::vector<float> weight(head_dim, 1.0f);
  RowScratch scratch(head_dim);
  const HeadNormTask task = {data.data(), TERNARY_BF16, columns, heads, head_dim, weight.data(), 1e-6f};
  for (auto _ : state) kernel.rows.head_norm(task, 0, 1, scratch.data());
  if (std::count(data.begin(), data.end(), float_to_bf16(1)) != columns) return state.SkipWithError("wrong result");
  state.SetItemsProcessed(state.iterations() * columns);
}

/** Gates of a row of I = kColumns, rounded as Qwen3's. */
void run_gate(benchmark::State& state, const Kernel& kernel, ternary_gate_order order, ternary_gate_function function) {
  const FloatEnvironment environment;
  const std::vector<float> in(2 * kColumns, 1.0f);
  std::vector<float> h(kColumns);
  GateTask task = {};
  task.in = in.data();
  task.ld_in = 2 * kColumns;
  task.order = order;
  task.function = function;
  task.limit = 7;
  task.round_gate_up = task.round_activation = task.round_product = TERNARY_BF16;
  task.I = task.ldh = kColumns;
  task.h = h.data();
  for (auto _ : state) kernel.rows.gate(task, 0, 1, nullptr);
  if (std::count(h.begin(), h.end(), h[0]) != kColumns || h[0] == 0) return state.SkipWithError("wrong result");
  state.SetItemsProcessed(state.iterations() * kColumns);
}

template <class Run>
void add(const Kernel& kernel, const std::string& what, Run run) {
  benchmark::RegisterBenchmark((kernel.file + ("/" + what)).c_str(), run);
}

constexpr RowWork kRowWorks[] = {{"a8", false, 0, 0},
                                 {"a8/block:128", false, 128, 0},
                                 {"a8/block:64", false, 64, 0},
                                 {"a8/block:32", false, 32, 0},
                                 {"rotation:128/a8", false, 0, 128},
                                 {"rotation:128/a8/block:128", false, 128, 128},
                                 {"rotation:4096/a8", false, 0, kColumns},
                                 {"rmsnorm_a8", true, 0, 0},
                                 {"rmsnorm/rotation:128/a8", true, 0, 128}};

void register_activations(const Kernel& kernel) {
  for (const int64_t K : {int64_t{2560}, kColumns, int64_t{6912}}) {
    for (const RowWork& work : kRowWorks) {
      if (work.rotation > 0 && K % work.rotation != 0) continue;
      add(kernel, std::string("bf16_") + work.name + "/K:" + std::to_string(K) + "/M:1",
          [=, &kernel](benchmark::State& state) { run_activations(state, kernel, K, work); });
    }
  }
}

}  // namespace

bool register_rows(const Kernel& kernel) {
  switch (kernel.stage) {
    case Stage::activations: register_activations(kernel); return true;
    case Stage::rotate:
      for (const int64_t rotation : {int64_t{128}, int64_t{1024}, kColumns}) {
        add(kernel, "bf16/rotation:" + std::to_string(rotation) + "/K:" + std::to_string(kColumns) + "/M:1",
            [=, &kernel](benchmark::State& state) { run_rotation(state, kernel, rotation); });
      }
      return true;
    case Stage::head_norm:
      for (const int64_t head_dim : {64, 128}) {
        add(kernel, "bf16/heads:32/head_dim:" + std::to_string(head_dim) + "/M:1",
            [=, &kernel](benchmark::State& state) { run_head_norm(state, kernel, 32, head_dim); });
      }
      return true;
    case Stage::gate:
      for (const auto& [name, function] : {std::pair("silu", TERNARY_SILU), std::pair("relu2", TERNARY_RELU2)}) {
        add(kernel, std::string(name) + "/gate_up/I:" + std::to_string(kColumns) + "/M:1",
            [=, &kernel](benchmark::State& state) { run_gate(state, kernel, TERNARY_GATE_UP, function); });
        add(kernel, std::string(name) + "/interleaved/I:" + std::to_string(kColumns) + "/M:1",
            [=, &kernel](benchmark::State& state) { run_gate(state, kernel, TERNARY_INTERLEAVED, function); });
      }
      return true;
    default: return false;
  }
}

}  // namespace ternary
