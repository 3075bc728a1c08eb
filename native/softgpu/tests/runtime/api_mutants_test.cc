// The mutant suite. Every kernel of mutants/ is clean without its mistake: no fault and the right bits, in every order
// that is tried. With it, each order must report: a fault of the kind that is named, a refusal to load, or wrong bits.
#include "softgpu/tests/mutants/mutants.h"

#include <cstring>
#include <functional>
#include <numeric>
#include <random>

#include "softgpu/tests/runtime/api_fixture.h"

namespace ternary::softgpu {
namespace {

constexpr uint64_t kSeeds = 3;

class MutantTest : public RuntimeTest {
 protected:
  /** What came of a run. */
  enum class Report { clean, wrong_bits, refused, fault };

  /** Runs `problem` of a mutant: launches, then compares; its value says whether the bits are right. */
  using Problem = std::function<cudaError_t(Mutant mutant, bool* right)>;

  Report report_of(const Problem& problem, Mutant mutant, uint64_t seed) {
    free_all();
    reset();
    EXPECT_EQ(SOFTGPU(softgpu_set_seed)(seed), 0);
    bool right = false;
    const cudaError_t error = problem(mutant, &right);
    cudaGetLastError();
    if (error == cudaErrorInvalidPtx) return Report::refused;
    if (error != cudaSuccess) return Report::fault;
    return right ? Report::clean : Report::wrong_bits;
  }

  void expect_clean(const Problem& problem) {
    for (uint64_t seed = 0; seed < kSeeds; ++seed) {
      ASSERT_EQ(report_of(problem, Mutant::none, seed), Report::clean) << "seed " << seed << ": " << fault();
    }
  }
  void expect_fault(const Problem& problem, Mutant mutant, const std::vector<const char*>& kinds) {
    for (uint64_t seed = 0; seed < kSeeds; ++seed) {
      ASSERT_EQ(report_of(problem, mutant, seed), Report::fault) << "seed " << seed;
      bool named = false;
      for (const char* kind : kinds) named = named || has(fault(), kind);
      EXPECT_TRUE(named) << fault();
    }
  }
  void expect_wrong_bits(const Problem& problem, Mutant mutant) {
    for (uint64_t seed = 0; seed < kSeeds; ++seed) {
      EXPECT_EQ(report_of(problem, mutant, seed), Report::wrong_bits) << fault();
    }
  }
  void expect_refused(const Problem& problem, Mutant mutant) {
    EXPECT_EQ(report_of(problem, mutant, 0), Report::refused) << fault();
  }

  /** Waits for the launches, then reads `count` words; the first error of either. */
  static cudaError_t results(cudaError_t launched, const void* from, size_t count, std::vector<int>* to) {
    if (launched != cudaSuccess) return launched;
    const cudaError_t finished = cudaDeviceSynchronize();
    if (finished != cudaSuccess) return finished;
    to->resize(count);
    return cudaMemcpy(to->data(), from, count * sizeof(int), cudaMemcpyDeviceToHost);
  }
  static int sum_of(const std::vector<int>& values, int first, int count) {
    return std::accumulate(values.begin() + first, values.begin() + first + count, 0);
  }
};

std::vector<int> numbers(int count) {
  std::mt19937 random(8);
  std::vector<int> values(static_cast<size_t>(count));
  for (int& value : values) value = static_cast<int>(random() % 100000);
  return values;
}

TEST_F(MutantTest, BlockSum) {
  const Problem problem = [this](Mutant mutant, bool* right) {
    const std::vector<int> from = numbers(kSums * kBlock);
    int* to = unwritten_ints(kSums);
    std::vector<int> got;
    const cudaError_t error = results(launch_block_sum(mutant, device_ints(from), to, nullptr), to, kSums, &got);
    *right = error == cudaSuccess;
    for (int b = 0; *right && b < kSums; ++b) *right = got[static_cast<size_t>(b)] == sum_of(from, b * kBlock, kBlock);
    return error;
  };
  expect_clean(problem);
  expect_fault(problem, Mutant::missing_syncthreads, {"race", "uninitialised"});  // whoever comes first
  expect_wrong_bits(problem, Mutant::wrong_shuffle_distance);
  expect_fault(problem, Mutant::divergent_shuffle, {"divergence"});
  expect_fault(problem, Mutant::divergent_barrier, {"divergence", "deadlock"});
  expect_fault(problem, Mutant::uninitialised_shared, {"uninitialised"});
  expect_fault(problem, Mutant::shared_off_by_one, {"illegal address"});
  expect_fault(problem, Mutant::global_off_by_one, {"illegal address"});
  expect_fault(problem, Mutant::misaligned_vector, {"misaligned"});
}

TEST_F(MutantTest, Decode) {
  const Problem problem = [this](Mutant mutant, bool* right) {
    std::vector<int> from = numbers(kBlock);
    for (size_t i = 0; i < from.size(); ++i) from[i] = static_cast<int>(static_cast<uint32_t>(from[i]) * 0x9e3779b9u);
    int* to = unwritten_ints(kBlock);
    std::vector<int> got;
    const cudaError_t launched = launch_decode(mutant, reinterpret_cast<const uint32_t*>(device_ints(from)),
                                               reinterpret_cast<uint32_t*>(to), nullptr);
    const cudaError_t error = results(launched, to, kBlock, &got);
    *right = error == cudaSuccess;
    for (size_t i = 0; *right && i < from.size(); ++i) {
      const uint32_t word = static_cast<uint32_t>(from[i]), codes = (word & 0x03030303u) | 0x01010101u;
      const uint32_t b_bits = 0x3f800001u | (word >> 20);
      float b;
      std::memcpy(&b, &b_bits, 4);
      const float a = static_cast<float>(codes & 0xff) + 0.3f;
      const float product = a * b, sum = product + 0.7f, quotient = sum / b;
      uint32_t bits;
      std::memcpy(&bits, &quotient, 4);
      *right = static_cast<uint32_t>(got[i]) == (bits ^ codes);
    }
    return error;
  };
  expect_clean(problem);
  expect_wrong_bits(problem, Mutant::wrong_lop3_table);
  expect_refused(problem, Mutant::contracted_mul_add);
  expect_refused(problem, Mutant::approximate_division);
  expect_refused(problem, Mutant::flushed_denormals);
}

TEST_F(MutantTest, Staged) {
  const Problem problem = [this](Mutant mutant, bool* right) {
    const std::vector<int> from = numbers(2 * kBlock);
    int* to = unwritten_ints(kBlock);
    std::vector<int> got;
    const cudaError_t error = results(launch_staged(mutant, device_ints(from), to, nullptr), to, kBlock, &got);
    *right = error == cudaSuccess;
    for (size_t i = 0; *right && i < kBlock; ++i) {
      const size_t other = (i + 32) % kBlock;
      *right = got[i] == from[other] + from[kBlock + other];
    }
    return error;
  };
  expect_clean(problem);
  expect_fault(problem, Mutant::missing_async_wait, {"race"});
  expect_fault(problem, Mutant::async_wait_for_too_few, {"race"});
  expect_fault(problem, Mutant::missing_sync_after_async_wait, {"race", "uninitialised"});
}

TEST_F(MutantTest, Tile) {
  const Problem problem = [this](Mutant mutant, bool* right) {
    std::vector<uint8_t> a(16 * 32);
    std::vector<int8_t> b(8 * 32);
    std::mt19937 random(9);
    for (uint8_t& value : a) value = static_cast<uint8_t>(random() % 3);
    for (int8_t& value : b) value = static_cast<int8_t>(random());
    int* device_a = unwritten_ints(128);
    int* device_b = unwritten_ints(64);
    EXPECT_CUDA(cudaMemcpy(device_a, a.data(), a.size(), cudaMemcpyHostToDevice));
    EXPECT_CUDA(cudaMemcpy(device_b, b.data(), b.size(), cudaMemcpyHostToDevice));
    int* to = unwritten_ints(128);
    std::vector<int> got;
    const cudaError_t launched = launch_tile(mutant, reinterpret_cast<const uint8_t*>(device_a),
                                             reinterpret_cast<const int8_t*>(device_b), to, nullptr);
    const cudaError_t error = results(launched, to, 128, &got);
    *right = error == cudaSuccess;
    for (size_t i = 0; *right && i < 128; ++i) {
      int dot = 0;
      for (size_t k = 0; k < 32; ++k) dot += a[i / 8 * 32 + k] * b[i % 8 * 32 + k];
      *right = got[i] == dot;
    }
    return error;
  };
  expect_clean(problem);
  expect_wrong_bits(problem, Mutant::stale_fragment_layout);
  expect_wrong_bits(problem, Mutant::swapped_register_halves);
}

// The second kernel writes what the first reads and reads what it writes.
TEST_F(MutantTest, Chain) {
  if (!programmatic()) return;
  const Problem problem = [this](Mutant mutant, bool* right) {
    const std::vector<int> from = numbers(kChain);
    int* x = device_ints(from);
    int* between = unwritten_ints(kChain);
    std::vector<int> got;
    const cudaStream_t stream = new_stream();
    const cudaError_t first = launch_chain(Mutant::none, x, between, stream);
    const cudaError_t second = first == cudaSuccess ? launch_chain(mutant, between, x, stream) : first;
    const cudaError_t error = results(second, x, kChain, &got);
    cudaStreamDestroy(stream);
    *right = error == cudaSuccess;
    for (size_t i = 0; *right && i < from.size(); ++i) *right = got[i] == from[i] + 2;
    return error;
  };
  expect_clean(problem);
  expect_fault(problem, Mutant::read_before_dependency_wait, {"race", "uninitialised"});
  expect_fault(problem, Mutant::write_before_dependency_wait, {"race"});
  expect_fault(problem, Mutant::missing_dependency_wait, {"race", "uninitialised", "griddepcontrol.wait"});
  expect_fault(problem, Mutant::early_exit_without_wait, {"griddepcontrol.wait"});
  expect_fault(problem, Mutant::non_coherent_read_before_wait, {"race", "uninitialised"});
  expect_fault(problem, Mutant::non_coherent_read_after_wait, {"by ld.global.nc"});
}

TEST_F(MutantTest, ClusterSum) {
  const Problem problem = [this](Mutant mutant, bool* right) {
    const std::vector<int> from = numbers(kSums * kSplits * kBlock);
    int* to = unwritten_ints(kSums);
    std::vector<int> got;
    const cudaError_t error = results(launch_cluster_sum(mutant, device_ints(from), to, nullptr), to, kSums, &got);
    *right = error == cudaSuccess;
    for (int c = 0; *right && c < kSums; ++c) {
      *right = got[static_cast<size_t>(c)] == sum_of(from, c * kSplits * kBlock, kSplits * kBlock);
    }
    return error;
  };
  if (capability() < 9) {
    EXPECT_CUDA_ERROR(launch_cluster_sum(Mutant::none, nullptr, nullptr, nullptr), cudaErrorNotSupported);
    return;
  }
  expect_clean(problem);
  expect_fault(problem, Mutant::missing_cluster_barrier, {"race", "uninitialised"});
  expect_fault(problem, Mutant::peer_used_after_its_end, {"race"});
}

TEST_F(MutantTest, SplitK) {
  const auto problem_with = [this](int partial_words, bool two_streams) -> Problem {
    return [=](Mutant mutant, bool* right) {
      const std::vector<int> from = numbers(kSplits * kBlock);
      const int* x = device_ints(from);
      int* partial = unwritten_ints(partial_words);
      int* ticket = device_ints({0});
      int* to = unwritten_ints(1);
      int* to_too = unwritten_ints(1);
      const cudaStream_t streams[2] = {new_stream(), new_stream()};
      cudaError_t error = launch_split_k(mutant, x, to, partial, reinterpret_cast<unsigned*>(ticket), streams[0]);
      if (error == cudaSuccess) {  // again, beside the first or after it
        error = launch_split_k(mutant, x, to_too, partial, reinterpret_cast<unsigned*>(ticket), streams[two_streams]);
      }
      std::vector<int> got, got_too;
      error = results(error, to, 1, &got);
      if (error == cudaSuccess) error = results(error, to_too, 1, &got_too);
      for (const cudaStream_t stream : streams) cudaStreamDestroy(stream);
      const int sum = sum_of(from, 0, kSplits * kBlock);
      *right = error == cudaSuccess && got[0] == sum && got_too[0] == sum;
      return error;
    };
  };
  const Problem problem = problem_with(kSplits * kBlock, false);
  expect_clean(problem);
  expect_fault(problem, Mutant::missing_fence_before_ticket, {"race"});
  expect_fault(problem, Mutant::missing_fence_after_ticket, {"race"});
  expect_fault(problem, Mutant::non_coherent_read_of_partials, {"by ld.global.nc"});
  expect_wrong_bits(problem, Mutant::ticket_not_reset);                                        // of the second launch
  expect_fault(problem_with(kSplits * kBlock - 1, false), Mutant::none, {"illegal address"});  // workspace too small
  expect_fault(problem_with(kSplits * kBlock, true), Mutant::none, {"race"});  // scratch shared between streams
}

TEST_F(MutantTest, SumAndClear) {
  const Problem problem = [this](Mutant mutant, bool* right) {
    const std::vector<int> from = numbers(kBlock);
    int* x = device_ints(from);
    int* to = device_ints(std::vector<int>(kSums, 0));
    unsigned* ticket = reinterpret_cast<unsigned*>(device_ints({0}));
    std::vector<int> got, left;
    cudaError_t error = results(launch_sum_and_clear(mutant, x, to, ticket, nullptr), to, kSums, &got);
    if (error == cudaSuccess) error = results(error, x, kBlock, &left);
    *right = error == cudaSuccess && got == std::vector<int>(kSums, sum_of(from, 0, kBlock)) &&
             left == std::vector<int>(kBlock, 0);
    return error;
  };
  expect_clean(problem);
  expect_fault(problem, Mutant::missing_fence_before_overwriting, {"race"});
  expect_fault(problem, Mutant::missing_fence_while_overwriting, {"race"});
  expect_fault(problem, Mutant::overwritten_while_others_read, {"race"});
}

}  // namespace
}  // namespace ternary::softgpu
