// How the product rows of a GPU backend use memory, by the software GPU's counters: no bank conflicts, no wasted
// sectors of weights. On a GPU, which has no such counters, the same launches are compared with the oracle alone.
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "softgpu/softgpu.h"
#include "support/cuda_fused_case.h"
#include "support/cuda_gemm_case.h"
#include "support/cuda_rows.h"

namespace ternary::test {
namespace {

template <typename Function>
Function* softgpu(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_DEFAULT, name));
}

/** What the launches since the last reset did. */
struct Use {
  uint64_t passes = 0, ideal_passes = 0;           // of shared memory
  uint64_t weight_sectors = 0, weight_bytes = 0;   // of vectors of 16 bytes that lanes load: X goes by cp.async
};

Use use_since_reset() {
  Use use;
  softgpu<decltype(softgpu_visit_lines)>("softgpu_visit_lines")(
      "gemm_",
      [](void* context, const softgpu_line* line) {
        Use* sum = static_cast<Use*>(context);
        sum->passes += line->passes;
        sum->ideal_passes += line->ideal_passes;
        if (std::strncmp(line->opcode, "ld.global", 9) != 0 || std::strstr(line->opcode, ".v4") == nullptr) return;
        sum->weight_sectors += line->sectors;
        sum->weight_bytes += line->bytes;
      },
      &use);
  return use;
}

TEST(CudaGemmMemory, NoBankConflictsAndNoWastedSectors) {
  const auto reset = softgpu<decltype(softgpu_reset_counters)>("softgpu_reset_counters");
  for (const ternary_activation activation : {TERNARY_A8, TERNARY_A16}) {
    for (const CudaLayout layout : {CudaLayout::i2s, CudaLayout::t5, CudaLayout::dense}) {
      if (activation == TERNARY_A16 && layout == CudaLayout::dense) continue;  // an A8 fallback
      for (const ternary_dtype x_dtype : {TERNARY_BF16, TERNARY_F32}) {  // one plane, three planes
        ProblemSpec spec;
        spec.activation = activation;
        spec.x_dtype = x_dtype;
        spec.M = 64;
        spec.N = 128;
        spec.K = 640;
        spec.values = Values::finite;
        CudaGemmCase gemm(spec, layout);
        const CudaStage stage = activation == TERNARY_A8 ? CudaStage::gemm_a8 : CudaStage::gemm_a16;
        for (const CudaKernel* kernel : cuda_rows(stage)) {
          if (gemm.refusal(*kernel) != Reason::none) continue;
          if (reset != nullptr) {
            ASSERT_EQ(reset(), 0);
          }
          ASSERT_EQ(gemm.run(*kernel), "") << kernel->file;
          if (reset == nullptr) continue;
          const Use use = use_since_reset();
          EXPECT_GT(use.ideal_passes, 0u) << kernel->file;
          EXPECT_EQ(use.passes, use.ideal_passes) << kernel->file;
          if (layout == CudaLayout::dense) continue;  // its weights go by cp.async too
          EXPECT_GT(use.weight_bytes, 0u) << kernel->file;
          EXPECT_EQ(use.weight_sectors * 32, use.weight_bytes) << kernel->file;
        }
      }
    }
  }
}

/** What the GEMV launches since the last reset did in their loops over slabs of K. */
struct LoopUse {
  uint64_t passes = 0, ideal_passes = 0;  // of loads of q, the only vectors that are loaded from shared memory
  uint64_t weight_sectors = 0;            // of loads past the first-level cache, which weights alone use
};

LoopUse loop_use_since_reset() {
  LoopUse use;
  softgpu<decltype(softgpu_visit_lines)>("softgpu_visit_lines")(
      "gemv_slabs_kernel",
      [](void* context, const softgpu_line* line) {
        LoopUse* sum = static_cast<LoopUse*>(context);
        if (std::strncmp(line->opcode, "ld.shared.v4", 12) == 0) {
          sum->passes += line->passes;
          sum->ideal_passes += line->ideal_passes;
        }
        if (std::strstr(line->opcode, "L1::no_allocate") != nullptr) sum->weight_sectors += line->sectors;
      },
      &use);
  return use;
}

ProblemSpec gemv_spec(int64_t M, int64_t N, int64_t K) {
  ProblemSpec spec;
  spec.x_dtype = TERNARY_BF16;
  spec.M = M;
  spec.N = N;
  spec.K = K;
  spec.values = Values::finite;
  return spec;
}

constexpr int64_t kGemvRows[] = {1, 2, 8, 16};

/** Runs each GEMV row of a stage with each number of rows of X by `run(kernel, M)`: "" if Y is right. */
template <typename Run>
void check_gemv(CudaStage stage, const ProblemSpec& spec, Run run) {
  const auto reset = softgpu<decltype(softgpu_reset_counters)>("softgpu_reset_counters");
  int runs = 0;
  for (const CudaKernel* kernel : cuda_rows(stage)) {
    if (std::strncmp(kernel->file, "gemv_", 5) != 0) continue;
    for (int64_t M : kGemvRows) {
      if (M < kernel->m_min || M > kernel->m_max) continue;
      ++runs;
      if (reset != nullptr) {
        ASSERT_EQ(reset(), 0);
      }
      ASSERT_EQ(run(*kernel, M), "") << kernel->file;
      if (reset == nullptr) continue;
      const LoopUse use = loop_use_since_reset();
      EXPECT_GT(use.ideal_passes, 0u) << kernel->file;
      EXPECT_EQ(use.passes, use.ideal_passes) << kernel->file << ", M = " << M;
      const double codes_a_byte = kernel->layout == CudaLayout::t5 ? 5 : 4;
      const double ideal = static_cast<double>(spec.N * spec.K) / codes_a_byte / 32;
      EXPECT_GE(static_cast<double>(use.weight_sectors), ideal) << kernel->file << ", M = " << M;
      EXPECT_LE(static_cast<double>(use.weight_sectors), 1.05 * ideal) << kernel->file << ", M = " << M;
    }
  }
  // mma with all four numbers of rows for two layouts, dp4a with one, and of I2S, not fused, with two too.
  EXPECT_EQ(runs, stage == CudaStage::gemm_a8 ? 11 : 10);
}

// Just over the 6 million weights from which waste counts: seconds on the software GPU. Neither N nor K is whole tiles.
TEST(CudaGemvMemory, NoBankConflictsAndNoWastedSectors) {
  const ProblemSpec spec = gemv_spec(16, 328, 20500);  // many slabs a warp; for M = 8 and more q comes in chunks
  CudaGemmCase i2s(spec, CudaLayout::i2s), t5(spec, CudaLayout::t5);
  check_gemv(CudaStage::gemm_a8, spec, [&](const CudaKernel& kernel, int64_t M) {
    return (kernel.layout == CudaLayout::t5 ? t5 : i2s).run(kernel, 0, M);
  });
}

TEST(CudaGemvMemory, NoBankConflictsAndNoWastedSectorsFused) {
  CudaLaunch how = default_launch();
  how.sm_count = 8;  // each CTA quantises X: few of them, which take many panels
  const ProblemSpec spec = gemv_spec(16, 2568, 2700);  // q of 16 rows fits in any GPU's shared memory
  check_gemv(CudaStage::fused_a8, spec, [&](const CudaKernel& kernel, int64_t M) {
    return CudaFusedCase(gemv_spec(M, spec.N, spec.K), kernel.layout).run(kernel, how);
  });
}

}  // namespace
}  // namespace ternary::test
