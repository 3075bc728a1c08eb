// Programmatic dependent launches: what is ordered, and what is reported where it is not.
#include <array>

#include "softgpu/tests/runtime/api_fixture.h"

namespace ternary::softgpu {
namespace {

constexpr int kCount = 256;
constexpr int kDependentThreads = 64;  // of a CTA of launch_dependent

/** Three kernels, each of which may begin before the one before it ends. */
class DependentLaunchTest : public RuntimeTest {
 protected:
  void SetUp() override {
    RuntimeTest::SetUp();
    from = device_ints(counting(kCount, 0));
    a = unwritten_ints(kCount);
    b = unwritten_ints(kCount);
    c = device_ints(counting(kCount, 0));
    stream = new_stream();
  }
  cudaError_t chain(Mistake first, Mistake second, Mistake third) {
    EXPECT_CUDA(launch_dependent(kCount, from, a, first, false, stream));
    EXPECT_CUDA(launch_dependent(kCount, a, b, second, true, stream));
    EXPECT_CUDA(launch_dependent(kCount, b, c, third, true, stream));
    return cudaStreamSynchronize(stream);
  }
  const int* from = nullptr;
  int *a = nullptr, *b = nullptr, *c = nullptr;
  cudaStream_t stream = nullptr;
};

TEST_F(DependentLaunchTest, AChainThatWaitsIsRight) {
  if (!programmatic()) return;
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    ASSERT_EQ(SOFTGPU(softgpu_set_seed)(seed), 0);
    ASSERT_CUDA(chain(Mistake::none, Mistake::none, Mistake::none)) << fault();
    EXPECT_EQ(host_ints(c, kCount), counting(kCount, 3));
    ASSERT_CUDA(chain(Mistake::none_early, Mistake::none_early, Mistake::none_early)) << fault();
    EXPECT_EQ(host_ints(c, kCount), counting(kCount, 3));
  }
}

TEST_F(DependentLaunchTest, LaunchesAreListedAsTheyWereAskedForAndRan) {
  if (!programmatic()) return;
  ASSERT_EQ(SOFTGPU(softgpu_reset_counters)(), 0);
  ASSERT_CUDA(chain(Mistake::none, Mistake::none, Mistake::none)) << fault();
  ASSERT_CUDA(chain(Mistake::none_early, Mistake::none_early, Mistake::none_early)) << fault();
  std::vector<std::array<int, 3>> seen;
  const int count = SOFTGPU(softgpu_visit_launches)(
      [](void* all, const softgpu_launch* one) {
        EXPECT_TRUE(has(one->kernel, "dependent")) << one->kernel;
        EXPECT_EQ(one->grid[0], static_cast<uint32_t>(kCount / kDependentThreads));
        EXPECT_EQ(one->cluster[0], 1u);
        static_cast<std::vector<std::array<int, 3>>*>(all)->push_back(
            {one->programmatic, one->began_early, one->let_dependents_start});
      },
      &seen);
  const std::vector<std::array<int, 3>> expected = {{0, 0, 0}, {1, 1, 0}, {1, 1, 0}, {0, 0, 0}, {1, 1, 1}, {1, 1, 1}};
  EXPECT_EQ(count, 6);
  EXPECT_EQ(seen, expected);
}

TEST_F(DependentLaunchTest, ReadsBeforeTheWaitAreReported) {
  if (!programmatic()) return;
  int* written_before = device_ints(counting(kCount, 0));
  a = written_before;  // so that it is the race that is found, not unwritten memory
  EXPECT_CUDA_ERROR(chain(Mistake::none, Mistake::reads_before_wait, Mistake::none), cudaErrorLaunchFailure);
  EXPECT_TRUE(has(fault(), "before its griddepcontrol.wait reads")) << fault();
}

TEST_F(DependentLaunchTest, WritesBeforeTheWaitAreReported) {
  if (!programmatic()) return;
  // The second kernel writes what the first reads.
  EXPECT_CUDA(launch_dependent(kCount, from, a, Mistake::none, false, stream));
  EXPECT_CUDA(launch_dependent(kCount, a, const_cast<int*>(from), Mistake::writes_before_wait, true, stream));
  EXPECT_CUDA_ERROR(cudaStreamSynchronize(stream), cudaErrorLaunchFailure);
  EXPECT_TRUE(has(fault(), "race")) << fault();
}

TEST_F(DependentLaunchTest, AMissingWaitIsReported) {
  if (!programmatic()) return;
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    ASSERT_EQ(SOFTGPU(softgpu_set_seed)(seed), 0);
    EXPECT_CUDA_ERROR(chain(Mistake::none, Mistake::never_waits, Mistake::none), cudaErrorLaunchFailure);
    // The CTA in its part after the wait may be the only one left: the thread that is named is the one whose int it is.
    const std::string sentence = fault(), reads = "reads the byte at ";
    ASSERT_TRUE(has(sentence, reads.c_str())) << sentence;
    const uint64_t byte = std::strtoull(sentence.c_str() + sentence.find(reads) + reads.size(), nullptr, 16);
    const uint64_t i = (byte - reinterpret_cast<uint64_t>(a)) / sizeof(int);
    ASSERT_LT(i, uint64_t{kCount}) << sentence;
    const std::string place = "), CTA (" + std::to_string(i / kDependentThreads) + ",0,0), warp " +
                              std::to_string(i % kDependentThreads / 32) + ", thread " +
                              std::to_string(i % kDependentThreads) + ": ";
    EXPECT_TRUE(has(sentence, place.c_str())) << sentence << " where" << place;
    DependentLaunchTest::SetUp();
  }
  from = device_ints(counting(kCount, 0));
  a = device_ints(counting(kCount, 0));
  b = unwritten_ints(kCount);
  int* other = device_ints(counting(kCount, 0));
  stream = new_stream();
  // Not even touching the same bytes makes it right: what follows would believe that `a` is complete.
  EXPECT_CUDA(launch_dependent(kCount, from, a, Mistake::none, false, stream));
  EXPECT_CUDA(launch_dependent(kCount, other, b, Mistake::one_cta_never_waits, true, stream));
  EXPECT_CUDA_ERROR(cudaStreamSynchronize(stream), cudaErrorLaunchFailure);
  EXPECT_TRUE(has(fault(), "griddepcontrol.wait")) << fault();
}

TEST_F(DependentLaunchTest, TheThirdKernelMayBeginBeforeTheFirstEndsIfTheSecondLetsIt) {
  if (!programmatic()) return;
  // Before its wait the third reads what the first has made. That is right only if the second waits for the first, and
  // only then lets the third begin.
  c = device_ints(counting(kCount, 0));
  EXPECT_CUDA(launch_dependent(kCount, from, a, Mistake::none, false, stream));
  EXPECT_CUDA(launch_dependent(kCount, a, b, Mistake::none, true, stream));
  EXPECT_CUDA(launch_dependent(kCount, a, c, Mistake::reads_before_wait, true, stream));
  EXPECT_CUDA(cudaStreamSynchronize(stream)) << fault();
  int* again = device_ints(counting(kCount, 0));
  EXPECT_CUDA(launch_dependent(kCount, from, again, Mistake::none, false, stream));
  EXPECT_CUDA(launch_dependent(kCount, again, b, Mistake::none_early, true, stream));
  EXPECT_CUDA(launch_dependent(kCount, again, c, Mistake::reads_before_wait, true, stream));
  EXPECT_CUDA_ERROR(cudaStreamSynchronize(stream), cudaErrorLaunchFailure);
  EXPECT_TRUE(has(fault(), "race")) << fault();
}

}  // namespace
}  // namespace ternary::softgpu
