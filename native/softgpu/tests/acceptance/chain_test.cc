// A stock CUTLASS kernel as part of a chain of programmatic launches: are the loads of its copy engine and the reads of
// its epilogue behind a griddepcontrol.wait? What has no such wait in its past is run early here, so a race is found.
#include <gtest/gtest.h>

#include "softgpu/tests/acceptance/stock_problem.h"
#include "softgpu/tests/softgpu_function.h"

namespace ternary::softgpu {
namespace {

/** What the launch before the product makes. */
enum class Made { operand, scales };

struct Outcome {
  cudaError_t error = cudaSuccess;
  std::string fault, difference;
  bool began_early = false;
};

Outcome chain(Made made, uint64_t seed) {
  EXPECT_EQ(cudaDeviceReset(), cudaSuccess);
  cudaGetLastError();  // that of the chain before
  EXPECT_EQ(SOFTGPU(softgpu_set_seed)(seed), 0);
  SOFTGPU(softgpu_reset_counters)();
  const StockProblem problem(StockProblem::Kind::mixed_scaled, 264, 72, 256);
  const std::vector<uint8_t> late = made == Made::operand ? problem.b() : problem.scales();
  const DeviceBytes a(problem.a()), b(problem.b()), scales(problem.scales()), from(late);
  const DeviceBytes to(std::vector<uint8_t>(late.size(), 0));  // so that what is found is no read of unwritten memory
  const DeviceBytes d(std::vector<uint8_t>(problem.d_bytes(), 0xff));
  cudaStream_t stream = nullptr;
  EXPECT_EQ(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), cudaSuccess);
  EXPECT_EQ(copy_words(from.as<uint32_t>(), to.as<uint32_t>(), static_cast<int>(late.size() / 4), stream), cudaSuccess);
  StockProduct product = problem.product(a.as<void>(), (made == Made::operand ? to : b).as<void>(),
                                         (made == Made::scales ? to : scales).as<float>(), d.as<void>());
  product.stream = stream;
  product.programmatic = true;
  EXPECT_STREQ(mixed_int2(product), "");
  Outcome outcome;
  outcome.error = cudaStreamSynchronize(stream);
  outcome.fault = SOFTGPU(softgpu_fault)();
  SOFTGPU(softgpu_visit_launches)
  ([](void* early, const softgpu_launch* one) { *static_cast<bool*>(early) = one->began_early != 0; },
   &outcome.began_early);
  if (outcome.error == cudaSuccess) outcome.difference = problem.difference(d.as<void>());
  return outcome;
}

class Chain : public testing::TestWithParam<Made> {};

TEST_P(Chain, ReadsBehindItsWait) {
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    const Outcome outcome = chain(GetParam(), seed);
    ASSERT_EQ(outcome.error, cudaSuccess) << outcome.fault;
    EXPECT_EQ(outcome.difference, "");
    EXPECT_TRUE(outcome.began_early);
  }
}

/** Of the program whose PTX has no wait. */
class ChainWithoutWaits : public testing::TestWithParam<Made> {};

TEST_P(ChainWithoutWaits, IsReported) {
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    const Outcome outcome = chain(GetParam(), seed);
    EXPECT_EQ(outcome.error, cudaErrorLaunchFailure);
    EXPECT_NE(outcome.fault.find("before its griddepcontrol.wait reads"), std::string::npos) << outcome.fault;
  }
  cudaDeviceReset();
}

constexpr Made kAll[] = {Made::operand, Made::scales};
const auto name = [](const auto& one) { return one.param == Made::operand ? "Operand" : "Scales"; };
INSTANTIATE_TEST_SUITE_P(Made, Chain, testing::ValuesIn(kAll), name);
INSTANTIATE_TEST_SUITE_P(Made, ChainWithoutWaits, testing::ValuesIn(kAll), name);

}  // namespace
}  // namespace ternary::softgpu
