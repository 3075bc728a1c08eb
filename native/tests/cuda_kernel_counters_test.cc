// How the product rows of a GPU backend use memory, by the software GPU's counters: no bank conflicts, no wasted
// sectors of weights. On a GPU, which has no such counters, the same launches are compared with the oracle alone.
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "softgpu/softgpu.h"
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

}  // namespace
}  // namespace ternary::test
