// Layers of experts on a GPU through the C interface: operands in host and in device memory, against the oracle with ==;
// bits of a row alone and in any batch, many slots of one expert, kernels of both kinds, paths.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "cuda/experts/device_moe.h"
#include "support/cuda/launches.h"
#include "support/tuning_file.h"

namespace ternary::test {
namespace {

/** Generated layers: of any kind in A8, and in A16 those whose sums are exact. */
MoeProblemSpec any_spec(uint64_t seed) {
  MoeProblemSpec spec = random_moe_spec(seed);
  return spec.spec.activation == TERNARY_A8 ? spec : exact_moe_spec(seed, TERNARY_A16);
}

void check_on_host(ternary_runtime* runtime, const MoeProblem& problem) {
  set_crash_note(problem.spec().text());
  const MoeOutput got = problem.output();
  const ternary_moe_operands o = problem.operands(got);
  ASSERT_EQ(ternary_apply_moe(runtime, problem.moe(), &o), TERNARY_OK) << ternary_last_error();
  ASSERT_EQ(problem.verdict(got, problem.expected()), "");
}

TEST(CudaMoe, GeneratedProblemsOnHostMemory) {
  const RuntimeHandle runtime = gpu_runtime();
  const int64_t count = samples(120);
  for (int64_t i = 0; i < count; ++i) {
    const MoeProblem problem(any_spec(9000 + static_cast<uint64_t>(i)));
    check_on_host(runtime.get(), problem);
    if (HasFatalFailure()) return;
  }
}

TEST(CudaMoe, GeneratedProblemsOnDeviceMemory) {
  const RuntimeHandle runtime = gpu_runtime();
  const int64_t count = samples(60);
  const Stream stream;
  for (int64_t i = 0; i < count; ++i) {
    const MoeProblem problem(any_spec(20000 + static_cast<uint64_t>(i)));
    set_crash_note(problem.spec().text());
    const DeviceMoe there(problem);
    const DeviceBytes workspace(there.workspace_bytes(runtime.get()));
    ASSERT_EQ(there.start(runtime.get(), i % 2 == 0 ? call_of(stream, workspace) : call_of(stream)), TERNARY_OK)
        << ternary_last_error() << " in " << problem.spec().text();
    ASSERT_EQ(ternary_synchronise(runtime.get(), stream.get()), TERNARY_OK) << ternary_last_error();
    ASSERT_EQ(problem.verdict(there.fetch(), problem.expected()), "");
  }
}

/** Known failure of an earlier system: right for one token, wrong for more. In A16 too, whose sums have one order. */
TEST(CudaMoe, RowsGiveTheSameBitsAloneAndInABatch) {
  const RuntimeHandle runtime = gpu_runtime();
  for (const ternary_activation activation : {TERNARY_A8, TERNARY_A16}) {
    for (const ternary_layout layout : {TERNARY_LAYOUT_I2S_TILED, TERNARY_LAYOUT_T5_TILED}) {
      for (const int64_t group : {0, 96}) {
        MoeProblemSpec spec = plain_moe_spec(40, 3, 2, 700, 200);
        spec.spec.activation = activation;
        spec.layout = layout;
        spec.kind13 = spec.kind2 = group == 0 ? TERNARY_ALPHA_ROW : TERNARY_ALPHA_GROUP;
        spec.group13 = spec.group2 = group;
        const MoeProblem problem(spec);
        set_crash_note(spec.text());
        const MoeOutput all = problem.output();
        const ternary_moe_operands o = problem.operands(all);
        ASSERT_EQ(ternary_apply_moe(runtime.get(), problem.moe(), &o), TERNARY_OK) << ternary_last_error();
        for (const int64_t m : {0, 17, 39}) {
          const MoeOutput one = problem.output();
          const ternary_moe_operands row = problem.operands(one, m, 1);
          ASSERT_EQ(ternary_apply_moe(runtime.get(), problem.moe(), &row), TERNARY_OK) << ternary_last_error();
          ASSERT_EQ(problem.verdict(one, all, m, 1), "") << "row " << m;
        }
      }
    }
  }
}

/** From the fewest slots on whose order is sorted, and turns of 16384 slots. */
TEST(CudaMoe, ManySlotsAreSortedAndTakenInTurns) {
  const RuntimeHandle runtime = gpu_runtime();
  const std::string gpu = ".cuda." + arch_of(runtime.get());
  const auto sorted = [&](int64_t M, int64_t T, int64_t E, Routing routing) {
    MoeProblemSpec spec = plain_moe_spec(M, T, E, 33, 17);
    spec.routing = routing;
    const MoeProblem problem(spec);
    ternary_runtime_reset_counters(runtime.get());
    check_on_host(runtime.get(), problem);
    const Counts paths = counters_of(runtime.get()).paths;
    return paths.count("moe_align.align" + gpu) > 0;
  };
  for (const Routing routing : {Routing::random, Routing::one, Routing::each_apart}) {
    EXPECT_FALSE(sorted(64, 4, 5, routing));
    EXPECT_TRUE(sorted(257, 1, 70, routing));
    EXPECT_TRUE(sorted(86, 3, 3, routing));
  }
  EXPECT_TRUE(sorted(8200, 2, 3, Routing::random));
}

/** Whether products were those of many slots, four warps along N, as the software GPU saw it; true on a GPU. */
bool took_large_patches() {
  const std::vector<SeenLaunch> seen = seen_launches();
  return seen.empty() || std::any_of(seen.begin(), seen.end(), [](const SeenLaunch& one) {
           const size_t layout = one.kernel.find("CudaLayoutE");
           return one.kernel.find("experts_a") != std::string::npos && one.kernel.compare(layout + 12, 5, "ELi4E") == 0;
         });
}

/** Measurements by which kernels of few slots take a thousand times as long as the model expects. */
std::string slow_kernels_of_few_slots() {
  std::string lines;
  for (const char* device : {"A100", "H100", "H200", "B200", "B300", "RTX_5090"}) {
    for (const char* kernel :
         {"experts_a8_i2s_mma_32x8", "experts_a8_t5_mma_32x8", "experts_a16_i2s_mma_32x8", "experts_a16_t5_mma_32x8"}) {
      lines += std::string(device) + " " + kernel + " 1 1 1 1 1000\n";
    }
    for (const char* kernel : {"experts_a8_i2s_mma_128x32", "experts_a8_t5_mma_128x32", "experts_a16_i2s_mma_64x32",
                               "experts_a16_t5_mma_64x16"}) {
      lines += std::string(device) + " " + kernel + " 1 1 1 1 1\n";
    }
  }
  return lines;
}

/** Whichever the model would choose: kernels of many slots serve all that those of few do, with the same bits. */
TEST(CudaMoe, KernelsOfManySlotsServeAnyLayer) {
  const TuningFile residuals(slow_kernels_of_few_slots());
  const RuntimeHandle few = gpu_runtime(),
                      many = make_runtime("TERNARY_DEVICE=cuda\nTERNARY_COST_RESIDUALS=" + residuals.path());
  ASSERT_NE(many, nullptr) << ternary_last_error();
  const int64_t count = samples(30);
  for (int64_t i = 0; i < count; ++i) {
    const MoeProblem problem(any_spec(30000 + static_cast<uint64_t>(i)));
    forget_launches();
    check_on_host(many.get(), problem);
    EXPECT_TRUE(took_large_patches());
    if (HasFatalFailure()) return;
  }
  for (const ternary_activation activation : {TERNARY_A8, TERNARY_A16}) {
    for (const ternary_layout layout : {TERNARY_LAYOUT_I2S_TILED, TERNARY_LAYOUT_T5_TILED}) {
      for (const int64_t M : {9, 150}) {  // unsorted, and sorted
        MoeProblemSpec spec = plain_moe_spec(M, 2, 2, 700, 200);
        spec.spec.activation = activation;
        spec.layout = layout;
        const MoeProblem problem(spec);
        const MoeOutput one = problem.output(), other = problem.output();
        ternary_moe_operands o = problem.operands(one), then = problem.operands(other);
        ASSERT_EQ(ternary_apply_moe(few.get(), problem.moe(), &o), TERNARY_OK) << ternary_last_error();
        ASSERT_EQ(ternary_apply_moe(many.get(), problem.moe(), &then), TERNARY_OK) << ternary_last_error();
        EXPECT_EQ(problem.verdict(one, other), "") << spec.text();
      }
    }
  }
}

TEST(CudaMoe, PathsNameEveryStage) {
  const RuntimeHandle runtime = gpu_runtime();
  const std::string gpu = ".cuda." + arch_of(runtime.get());
  const Counts few = {{"moe_activations.expert_rows" + gpu, 1},
                      {"moe_gate_up.experts_a8_i2s" + gpu, 1},
                      {"moe_down.experts_a8_i2s" + gpu, 1}};
  check_on_host(runtime.get(), MoeProblem(plain_moe_spec(2, 3, 4, 64, 32)));
  EXPECT_EQ(counters_of(runtime.get()).paths, few);
  EXPECT_EQ(ternary_last_path(runtime.get()), "moe_gate_up.experts_a8_i2s" + gpu);
  ternary_runtime_reset_counters(runtime.get());
  Counts many = few;
  many["moe_align.align" + gpu] = many["moe_gate.expert_gate" + gpu] = many["moe_combine.combine" + gpu] = 1;
  check_on_host(runtime.get(), MoeProblem(plain_moe_spec(90, 3, 4, 64, 32)));
  EXPECT_EQ(counters_of(runtime.get()).paths, many);
}

TEST(CudaMoe, TheListOfPlansSaysStagesAndLaunches) {
  const RuntimeHandle runtime = gpu_runtime();
  const MoeProblem problem(plain_moe_spec(2, 2, 4, 64, 96));
  const DeviceMoe there(problem);
  const Stream stream;
  forget_launches();
  ASSERT_EQ(there.start(runtime.get(), call_of(stream)), TERNARY_OK) << ternary_last_error();
  ASSERT_EQ(ternary_synchronise(runtime.get(), stream.get()), TERNARY_OK) << ternary_last_error();
  const std::vector<SeenLaunch> seen = seen_launches();
  const std::string document = plans_of(runtime.get()), experts = document.substr(document.find("\"experts\":"));
  EXPECT_EQ(json_value(document, "kept"), "0");
  EXPECT_EQ(json_value(document, "launches"), "3") << document;
  EXPECT_TRUE(seen.empty() || seen.size() == 3u) << seen.size();
  const Counts paths = counters_of(runtime.get()).paths;
  EXPECT_EQ(paths.size(), 3u);
  for (const auto& [path, count] : paths) {
    const size_t stage = experts.find("{\"path\":\"" + path + "\"");
    ASSERT_NE(stage, std::string::npos) << path << " in " << experts;
    const std::string name = path.substr(path.find('.') + 1), kernel = json_value(experts, "kernel", stage);
    EXPECT_EQ(kernel.rfind(name.substr(0, name.find('.')), 0), 0u) << experts;
    EXPECT_EQ(json_value(experts, "pdl", stage), json_value(document, "pdl_launches") == "3" ? "true" : "false");
  }
}

}  // namespace
}  // namespace ternary::test
