/**
 * What one core can read, from 1 MiB (caches) to 256 MiB (memory): the roof of kernels at M = 1, which do little else.
 */
#include <benchmark/benchmark.h>
#include <emmintrin.h>

#include <cstdint>
#include <vector>

namespace {

struct Bytes {
  __m128i vector = _mm_set1_epi8(1);
};

void read_bandwidth(benchmark::State& state) {
  const std::vector<Bytes> data(static_cast<size_t>(state.range(0)) / sizeof(Bytes));
  for (auto _ : state) {
    __m128i sum[8] = {};  // independent, or the latency of one would be measured
    for (size_t i = 0; i < data.size(); i += 8) {
      for (size_t j = 0; j < 8; ++j) sum[j] = _mm_xor_si128(sum[j], data[i + j].vector);
    }
    benchmark::DoNotOptimize(sum);
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(read_bandwidth)->RangeMultiplier(4)->Range(1 << 20, 256 << 20)->ArgName("bytes");

}  // namespace

BENCHMARK_MAIN();
