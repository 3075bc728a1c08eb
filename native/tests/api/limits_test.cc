// ternary_measure_limit(): what it refuses, and that it measures what it says.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <string>
#include <thread>

#include "support/handles.h"

namespace ternary::test {
namespace {

constexpr int64_t kMillisecond = 1000000;

class LimitArguments : public testing::Test {
 protected:
  void expect_refused(const char* fragment, ternary_limit limit, int64_t threads, int64_t bytes, int64_t nanoseconds) {
    ternary_limit_measurement result;
    std::memset(&result, 0x5a, sizeof result);
    const ternary_limit_measurement before = result;
    EXPECT_EQ(ternary_measure_limit(runtime_.get(), limit, threads, bytes, nanoseconds, &result),
              TERNARY_INVALID_ARGUMENT);
    EXPECT_NE(std::string(ternary_last_error()).find(fragment), std::string::npos) << ternary_last_error();
    EXPECT_EQ(std::memcmp(&result, &before, sizeof result), 0) << fragment;
  }

  RuntimeHandle runtime_ = make_runtime("TERNARY_NUM_THREADS=2");
};

TEST_F(LimitArguments, EveryRuleHasItsSentence) {
  const ternary_limit read = TERNARY_LIMIT_READ, peak = TERNARY_LIMIT_INT8_PEAK;
  expect_refused("limit is -1", static_cast<ternary_limit>(-1), 1, 0, 1);
  expect_refused("limit is 3", static_cast<ternary_limit>(3), 1, 0, 1);
  expect_refused("threads is 0", peak, 0, 0, 1);
  expect_refused("threads is 3; it must be 1 to the runtime's 2", peak, 3, 0, 1);
  expect_refused("bytes is 0", read, 1, 0, 1);
  expect_refused("bytes is -4096", read, 1, -4096, 1);
  expect_refused("bytes is 4097", read, 1, 4097, 1);
  expect_refused("bytes is 4096", read, 2, 4096, 1);
  expect_refused("bytes is 1099511631872", read, 1, (int64_t{1} << 40) + 4096, 1);
  expect_refused("bytes is 4096", peak, 1, 4096, 1);
  expect_refused("nanoseconds is 0", peak, 1, 0, 0);
  expect_refused("nanoseconds is 10000000001", peak, 1, 0, 10000000001);
  EXPECT_EQ(ternary_measure_limit(nullptr, read, 1, 4096, 1, nullptr), TERNARY_INVALID_ARGUMENT);
  EXPECT_EQ(ternary_measure_limit(runtime_.get(), read, 1, 4096, 1, nullptr), TERNARY_INVALID_ARGUMENT);
  EXPECT_NE(std::string(ternary_last_error()).find("result is null"), std::string::npos);
}

ternary_limit_measurement measure(ternary_runtime* runtime, ternary_limit limit, int64_t threads, int64_t bytes,
                                  int64_t nanoseconds) {
  ternary_limit_measurement result = {};
  EXPECT_EQ(ternary_measure_limit(runtime, limit, threads, bytes, nanoseconds, &result), TERNARY_OK)
      << ternary_last_error();
  return result;
}

TEST(Limit, ReadsForAsLongAsAskedAndGoesOnWhereItEnded) {
  const RuntimeHandle runtime = make_runtime("TERNARY_NUM_THREADS=2");
  for (int64_t threads : {1, 2}) {
    for (int64_t bytes : {int64_t{4096} * threads, int64_t{12} << 20}) {
      const ternary_limit_measurement result = measure(runtime.get(), TERNARY_LIMIT_READ, threads, bytes, kMillisecond);
      EXPECT_GE(result.nanoseconds, kMillisecond);
      EXPECT_EQ(result.amount % 4096, 0) << "bytes are counted from the words that were summed";
      EXPECT_GE(result.amount, (256 << 10) * threads);
      EXPECT_EQ(std::string(result.kernel).rfind("read_", 0), 0u) << result.kernel;
    }
  }
  const ternary_limit_measurement one = measure(runtime.get(), TERNARY_LIMIT_READ, 1, 12 << 20, 1);
  EXPECT_EQ(one.amount, 256 << 10) << "a step, not the whole working set";
}

TEST(Limit, PeaksAreThoseOfTheHighestAllowedIsa) {
  for (const std::string& isa : available_isas()) {
    const RuntimeHandle runtime = make_runtime("TERNARY_NUM_THREADS=2\nTERNARY_MAX_ISA=" + isa);
    for (ternary_limit limit : {TERNARY_LIMIT_INT8_PEAK, TERNARY_LIMIT_TILE_LOADS}) {
      ternary_limit_measurement result = {};
      const ternary_status status = ternary_measure_limit(runtime.get(), limit, 2, 0, kMillisecond, &result);
      const bool tiles = limit == TERNARY_LIMIT_TILE_LOADS;
      const std::string name = tiles ? "tile_loads_" : "int8_peak_";
      const std::vector<KernelInfo> kernels = kernels_of(runtime.get());
      const bool measured = std::any_of(kernels.begin(), kernels.end(), [&](const KernelInfo& kernel) {
        return kernel.stage == "limit" && kernel.available && kernel.file.rfind(name, 0) == 0;
      });
      EXPECT_TRUE(measured || isa == "portable" || tiles) << isa;
      if (!measured) {
        EXPECT_EQ(status, TERNARY_UNSUPPORTED) << isa;
        EXPECT_NE(std::string(ternary_last_error()).find("no loop measures"), std::string::npos);
        continue;
      }
      ASSERT_EQ(status, TERNARY_OK) << ternary_last_error();
      EXPECT_GT(result.amount, 0) << result.kernel;
      EXPECT_GE(result.nanoseconds, kMillisecond) << result.kernel;
      EXPECT_EQ(std::string(result.kernel).rfind(name, 0), 0u) << result.kernel;
    }
  }
}

TEST(Limit, ManyCallersMeasureOneAfterTheOther) {
  const RuntimeHandle runtime = make_runtime("TERNARY_NUM_THREADS=2");
  std::atomic<int> done{0};
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 4; ++caller) {
    callers.emplace_back([&] {
      for (int i = 0; i < 5; ++i) {
        ternary_limit_measurement result = {};
        done += ternary_measure_limit(runtime.get(), TERNARY_LIMIT_READ, 2, 1 << 20, kMillisecond / 10, &result) ==
                TERNARY_OK;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(done, 20);
}

}  // namespace
}  // namespace ternary::test
