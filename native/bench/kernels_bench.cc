/**
 * Every kernel of the table that can run here over the shapes of test-data/shapes. Names read
 * kernel/model/layer/NxK/M:m/alpha:row/resident/threads:1, so --benchmark_filter picks; for example
 *
 *     kernels_bench --benchmark_filter='avx2/bitnet-2b-4t/.*M:1/alpha:row/streaming'
 *
 * GB/s counts the packed weights alone, GOPS two operations a weight and row; both of all threads together, each of
 * which is pinned and multiplies its own weights. Resident: the same weights again and again. Streaming: copies in
 * turn, more than caches hold. Limits to compare with are rows too: read_8x32__avx2/bytes:n/threads:1. Where
 * neighbours share the cores, add --benchmark_repetitions=20 --benchmark_enable_random_interleaving and take the best.
 * Each result is checked before it is timed.
 */
#include <benchmark/benchmark.h>
#include <dlfcn.h>
#include <sched.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "abi/kernel.h"
#include "abi/t5.h"
#include "bench/rows.h"
#include "core/base/float_environment.h"
#include "core/policy/tuning.h"
#include "core/weights/layout.h"

namespace ternary {
namespace {

/** This machine's, set before anything is measured. */
Microarchitecture measured_on = Microarchitecture::other;

struct Shape {
  std::string model, layer;
  int64_t N, K;
};

std::vector<Shape> read_shapes(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".txt") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  std::vector<Shape> shapes;
  for (const auto& file : files) {
    std::ifstream in(file);
    for (std::string line; std::getline(in, line);) {
      Shape shape{file.stem().string(), "layer", 0, 0};
      std::istringstream fields(line);
      if (line.empty() || line[0] == '#' || !(fields >> shape.N >> shape.K)) continue;
      fields >> shape.layer;
      shapes.push_back(shape);
    }
  }
  return shapes;
}

constexpr int64_t kHugePage = int64_t{2} << 20;
/** Weights of all threads together that no last-level cache of a machine this small holds. */
constexpr int64_t kStreamedBytes = int64_t{256} << 20;

struct Free {
  void operator()(void* p) const { std::free(p); }
};

/** Zeroed memory at the alignment of scratch. */
template <class T>
class Buffer {
 public:
  explicit Buffer(int64_t count) {
    const int64_t wanted = count * static_cast<int64_t>(sizeof(T)) + 1;
    const int64_t alignment = wanted >= kHugePage ? kHugePage : kScratchAlignment;  // as weights are allocated
    const auto bytes = static_cast<size_t>(round_up(wanted, alignment));
    data_.reset(static_cast<T*>(std::aligned_alloc(static_cast<size_t>(alignment), bytes)));
    if (alignment == kHugePage) madvise(data_.get(), bytes, MADV_HUGEPAGE);
    std::fill_n(reinterpret_cast<char*>(data_.get()), bytes, 0);
  }
  T* data() { return data_.get(); }
  T& operator[](int64_t i) { return data_.get()[i]; }

 private:
  std::unique_ptr<T, Free> data_;
};

/** Random codes, activations -127 ... 127 (exact in fp32 too, so A16 sums are exact below 2^24), alpha 1. */
struct Problem {
  Problem(const Kernel& row, const Shape& shape, int64_t M, int64_t group, int64_t weight_copies)
      : kernel(row),
        w_bytes(layout_bytes(row.layout, shape.N, shape.K)),
        copies(weight_copies),
        ld(padded_columns(row.layout, shape.K)),
        q(M * ld),
        f(row.stage == Stage::gemm_a16 ? M * ld : 0),
        q_sums(M * sums_of_row(shape.K, group)),
        s(M),
        w(w_bytes * copies),
        alpha(round_up(shape.N, kTile) * (group ? ceil_div(shape.K, group) : 1)),
        y(M * shape.N),
        scratch(row.scratch_bytes ? row.scratch_bytes() : 0),
        tables(M * row.table_bytes(shape.K, group)),
        task{} {
    std::minstd_rand random(1);
    for (int64_t m = 0; m < M; ++m) {
      s[m] = 1.0f;
      for (int64_t k = 0; k < shape.K; ++k) {
        q[m * ld + k] = static_cast<int8_t>(static_cast<int>(random() % 255) - 127);
        q_sums[m * sums_of_row(shape.K, group) + (group ? k / group : 0)] += q[m * ld + k];
        if (row.stage == Stage::gemm_a16) f[m * ld + k] = q[m * ld + k];
      }
    }
    for (int64_t i = 0; i < w_bytes; ++i) w[i] = random_codes(random, row.layout);
    for (int64_t i = 1; i < copies; ++i) std::copy_n(w.data(), w_bytes, w.data() + i * w_bytes);
    std::fill_n(alpha.data(), round_up(shape.N, kTile) * (group ? ceil_div(shape.K, group) : 1), 1.0f);
    task.w = w.data();
    task.alpha = alpha.data();
    task.group = group;
    task.y = y.data();
    task.y_dtype = TERNARY_F32;
    task.ldy = task.N = shape.N;
    task.M = M;
    task.K = shape.K;
    task.tables = tables.data();
    task.table_bytes = row.table_bytes(shape.K, group);
    task.prefetch_bytes = built_in_tuning(row.isa, measured_on).prefetch_bytes;
    if (row.stage == Stage::gemm_a8) {
      task.q = q.data();
      task.ldq = ld;
      task.q_sums = q_sums.data();
      task.s = s.data();
    } else {
      task.f = f.data();
      task.ldf = ld;
    }
  }

  void run() {
    task.w = w.data() + copy * w_bytes;
    copy = copy + 1 < copies ? copy + 1 : 0;
    kernel.make_tables(task, 0, task.M);
    kernel.gemm(task, 0, task.M, 0, task.N, scratch.data());
  }

  /** The first and last column of every row against the codes. */
  bool correct() {
    for (int64_t m = 0; m < task.M; ++m) {
      for (const int64_t n : {int64_t{0}, task.N - 1}) {
        int64_t sum = 0;
        for (int64_t k = 0; k < task.K; ++k) {
          sum += q[m * ld + k] * (code_at(w.data(), kernel.layout, task.K, n, k) - 1);
        }
        if (y[m * task.N + n] != static_cast<float>(sum)) return false;
      }
    }
    return true;
  }

  const Kernel& kernel;
  const int64_t w_bytes, copies;
  int64_t copy = 0;
  int64_t ld;
  Buffer<int8_t> q;
  Buffer<float> f;
  Buffer<int32_t> q_sums;
  Buffer<float> s;
  Buffer<uint8_t> w;
  Buffer<float> alpha, y;
  Buffer<char> scratch, tables;
  GemmTask task;

 private:
  static uint8_t random_codes(std::minstd_rand& random, ternary_layout layout) {
    const auto bits = static_cast<unsigned>(random());
    if (traits(layout).encoding == Encoding::t5) return t5_byte(static_cast<int>(bits % 243));
    if (traits(layout).encoding == Encoding::t3) return static_cast<uint8_t>(bits & 0xdd);  // two indices of 13 at most
    return static_cast<uint8_t>(bits % 3 | (bits / 3 % 3) << 2 | (bits / 9 % 3) << 4 | (bits / 27 % 3) << 6);
  }
};

void pin_to_core(int core) {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(core, &cores);
  sched_setaffinity(0, sizeof cores, &cores);
}

void run_product(benchmark::State& state, const Kernel& kernel, const Shape& shape, int64_t M, int64_t group,
                 bool streaming) {
  const FloatEnvironment environment;
  pin_to_core(state.thread_index());
  const int64_t bytes = layout_bytes(kernel.layout, shape.N, shape.K);
  Problem problem(kernel, shape, M, group, streaming ? ceil_div(kStreamedBytes / state.threads(), bytes) : 1);
  problem.run();
  if (!problem.correct()) return state.SkipWithError("wrong result");
  for (auto _ : state) problem.run();
  const double weights = static_cast<double>(layout_bytes(kernel.layout, shape.N, shape.K));
  const double operations = 2.0 * static_cast<double>(M * shape.N * shape.K);
  // Google Benchmark divides the time by the number of threads and adds up their counters.
  const auto rate = static_cast<benchmark::Counter::Flags>(benchmark::Counter::kIsIterationInvariantRate |
                                                           benchmark::Counter::kAvgThreads);
  state.counters["GB/s"] = benchmark::Counter(weights * 1e-9, rate);
  state.counters["weights/ns"] = benchmark::Counter(static_cast<double>(shape.N * shape.K) * 1e-9, rate);
  state.counters["GOPS"] = benchmark::Counter(operations * 1e-9, rate);
}

/** What the machine does at best: bytes read from a working set of each thread's own, or operations. */
void run_limit(benchmark::State& state, const LimitLoop& loop, int64_t bytes) {
  constexpr int64_t kSteps = 1 << 16;
  pin_to_core(state.thread_index());
  Buffer<int64_t> data(round_up(bytes, kLimitAlignment) / 8 + kLimitAlignment / 8);
  int64_t* aligned = data.data();
  while (reinterpret_cast<uintptr_t>(aligned) % kLimitAlignment) ++aligned;
  std::fill_n(aligned, round_up(bytes, kLimitAlignment) / 8, int64_t{1});
  const bool reads = loop.kind == TERNARY_LIMIT_READ;
  int64_t done = 0;
  for (auto _ : state) done += loop.run(reinterpret_cast<const uint8_t*>(aligned), reads ? bytes : kSteps);
  if (reads && done != state.iterations() * bytes) return state.SkipWithError("wrong result");
  state.counters[reads ? "GB/s" : "GOPS"] =
      benchmark::Counter(static_cast<double>(done) * (reads ? 1e-9 : 2e-9), benchmark::Counter::kIsRate);
}

/** Reads from the L1, L2 and L3 caches and from memory; arithmetic from registers or 16 KiB of operands. */
void register_limit(const LimitLoop& loop) {
  const bool reads = loop.kind == TERNARY_LIMIT_READ;
  for (const int64_t bytes : {int64_t{16} << 10, int64_t{512} << 10, int64_t{8} << 20, kStreamedBytes / 2}) {
    if (!reads && bytes > kLimitOperandBytes) break;
    benchmark::RegisterBenchmark((loop.file + std::string("/bytes:") + std::to_string(bytes)).c_str(),
                                 [=, &loop](benchmark::State& state) { run_limit(state, loop, bytes); })
        ->UseRealTime()
        ->ThreadRange(1, 2);
  }
}

void register_all(const Backend& backend, const std::vector<Shape>& shapes) {
  for (int i = 0; i < backend.limit_loop_count; ++i) {
    if (!backend.isa_missing(backend.limit_loops[i].isa)) register_limit(backend.limit_loops[i]);
  }
  for (int row = 0; row < backend.kernel_count; ++row) {
    const Kernel& kernel = backend.kernels[row];
    if (backend.isa_missing(kernel.isa)) continue;
    if (register_rows(kernel)) continue;
    const std::string file = kernel.file;
    for (const Shape& shape : shapes) {
      for (const int64_t M : {1, 2, 3, 4, 6, 8, 16, 32, 64, 128, 512}) {
        for (const int64_t group : {0, 32, 64, 128}) {
          if (group && group % kernel.group_multiple) continue;
          for (const bool streaming : {false, true}) {
            const std::string name = file + "/" + shape.model + "/" + shape.layer + "/" + std::to_string(shape.N) +
                                     "x" + std::to_string(shape.K) + "/M:" + std::to_string(M) +
                                     (group ? "/alpha:group" + std::to_string(group) : "/alpha:row") +
                                     (streaming ? "/streaming" : "/resident");
            benchmark::RegisterBenchmark(
                name.c_str(),
                [=, &kernel](benchmark::State& state) { run_product(state, kernel, shape, M, group, streaming); })
                ->Unit(benchmark::kMicrosecond)
                ->UseRealTime()
                ->ThreadRange(1, 2);
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace ternary

int main(int argc, char** argv) {
  void* library = dlopen(TERNARY_BACKEND, RTLD_NOW | RTLD_LOCAL);
  const auto open = library ? reinterpret_cast<ternary::BackendFn>(dlsym(library, "ternary_backend")) : nullptr;
  const ternary::Backend* backend = open ? open(ternary::kBackendAbi) : nullptr;
  if (!backend) {
    std::fprintf(stderr, "cannot open %s: %s\n", TERNARY_BACKEND, dlerror());
    return 1;
  }
  ternary::measured_on = ternary::microarchitecture_of(backend->device_id());
  ternary::register_all(*backend, ternary::read_shapes(TERNARY_SHAPES));
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::AddCustomContext("processor", backend->device_name());
  benchmark::RunSpecifiedBenchmarks();
}
