// How the product rows of a GPU backend use memory, by the software GPU's counters: no bank conflicts, no wasted
// sectors of weights. On a GPU, which has no such counters, the same launches are compared with the oracle alone.
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <string>
#include <vector>

#include "abi/cuda_rows.h"
#include "core/cuda/copies/layout.h"
#include "softgpu/softgpu.h"
#include "support/cuda/fused_case.h"
#include "support/cuda/gemm_case.h"
#include "support/cuda/rows.h"

namespace ternary::test {
namespace {

template <typename Function>
Function* softgpu(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_DEFAULT, name));
}

/** What the launches since the last reset did. */
struct Use {
  uint64_t passes = 0, ideal_passes = 0;  // of shared memory, all of it
  uint64_t weight_sectors = 0;            // of the lines that were asked for
  std::string conflicts;                  // the instructions that have some
};

/** What a GEMM copies to its ring: weights and X. */
bool copies_to_ring(const softgpu_line& line) { return std::strncmp(line.opcode, "cp.async.cg", 11) == 0; }
/** Weights of a GEMV go past the first-level cache, with units by whole lines; its vectors of X, where it makes q itself, do
 *  not, and neither do copies of q. */
bool loads_gemv_weights(const softgpu_line& line) {
  return std::strstr(line.opcode, "L1::no_allocate") != nullptr || std::strstr(line.opcode, "L2::128B") != nullptr;
}

/** Of the kernels whose mangled names have this part. */
template <bool (*is_weights)(const softgpu_line&)>
Use use_since_reset(const char* kernels) {
  Use use;
  softgpu<decltype(softgpu_visit_lines)>("softgpu_visit_lines")(
      kernels,
      [](void* context, const softgpu_line* line) {
        Use* sum = static_cast<Use*>(context);
        sum->passes += line->passes;
        sum->ideal_passes += line->ideal_passes;
        if (is_weights(*line)) sum->weight_sectors += line->sectors;
        if (line->passes == line->ideal_passes) return;
        sum->conflicts += std::to_string(line->passes) + " passes for " + std::to_string(line->ideal_passes) + ": " +
                          line->text + "\n";
      },
      &use);
  return use;
}

/** Sectors that the weights of a problem fill, were there no padding. */
double ideal_sectors(CudaLayout layout, int64_t N, int64_t K) {
  return static_cast<double>(N * K) / (layout == CudaLayout::t5 ? 5 : 4) / 32;
}

ProblemSpec spec_of(ternary_activation activation, int64_t M, int64_t N, int64_t K, int64_t group = 0) {
  ProblemSpec spec;
  spec.activation = activation;
  spec.x_dtype = TERNARY_BF16;
  spec.M = M;
  spec.N = N;
  spec.K = K;
  spec.values = Values::finite;
  if (group > 0) spec.kind = TERNARY_ALPHA_GROUP;
  spec.group = group;
  return spec;
}

/** Sectors that a GEMM, one plane, copies besides weights: a row of X once for every patch along N. */
double sectors_of_x(const CudaVariant& variant, const ProblemSpec& spec, CudaLayout layout) {
  const int64_t row_bytes = cuda_padded_columns(layout, spec.K) * (spec.activation == TERNARY_A16 ? 2 : 1);
  return static_cast<double>(ceil_div(spec.N, variant.patch_n) * spec.M * row_bytes) / 32;
}

const CudaVariant& variant_of(const CudaKernel& kernel, bool groups) {
  const CudaRow& row = kCudaRows[find_cuda_row(kernel.file)];
  return *std::find_if(row.variants, row.variants + kMostCudaVariants, [&](const CudaVariant& v) {
    return v.units == (groups ? CudaUnits::groups : CudaUnits::none) && v.planes == 1;
  });
}

/** Every GEMM that serves the problem; where `ideal` is not 0, weights are held to it, once for every patch along M. */
void check_gemm(const ProblemSpec& spec, CudaLayout layout, double ideal) {
  const auto reset = softgpu<decltype(softgpu_reset_counters)>("softgpu_reset_counters");
  CudaGemmCase gemm(spec, layout);
  const bool a16 = spec.activation == TERNARY_A16;
  for (const CudaKernel* kernel : cuda_rows(a16 ? CudaStage::gemm_a16 : CudaStage::gemm_a8)) {
    if (std::strncmp(kernel->file, "gemm_", 5) != 0 || gemm.refusal(*kernel) != Reason::none) continue;
    if (reset != nullptr) {
      ASSERT_EQ(reset(), 0);
    }
    ASSERT_EQ(gemm.run(*kernel, ideal == 0 ? 0 : 1), "") << kernel->file;
    if (reset == nullptr) continue;
    const Use use = use_since_reset<copies_to_ring>("gemm_");
    EXPECT_GT(use.ideal_passes, 0u) << kernel->file;
    EXPECT_EQ(use.passes, use.ideal_passes) << kernel->file << " in " << spec.text() << "\n" << use.conflicts;
    if (ideal == 0) continue;
    const CudaVariant& variant = variant_of(*kernel, spec.group > 0);
    const double weights = static_cast<double>(use.weight_sectors) - sectors_of_x(variant, spec, layout);
    const double reads = static_cast<double>(ceil_div(spec.M, variant.patch_m));
    EXPECT_GE(weights, reads * ideal) << kernel->file;
    EXPECT_LE(weights, 1.05 * reads * ideal) << kernel->file << " in " << spec.text();
  }
}

TEST(CudaGemmMemory, NoBankConflicts) {
  for (const int64_t group : {0, 64, 96}) {
    for (const CudaLayout layout : {CudaLayout::i2s, CudaLayout::t5, CudaLayout::dense}) {
      check_gemm(spec_of(TERNARY_A8, 67, 130, 700, group), layout, 0);
      if (layout == CudaLayout::dense) continue;                                      // an A8 fallback
      for (const ternary_dtype x_dtype : {TERNARY_BF16, TERNARY_F16, TERNARY_F32}) {  // one plane, or three
        ProblemSpec spec = spec_of(TERNARY_A16, 67, 130, 700, group);
        spec.x_dtype = x_dtype;
        check_gemm(spec, layout, 0);
      }
    }
  }
}

// More than the 6 million weights from which waste counts. N is not whole panels, but whole CTAs of them: panels beyond
// the last are that one again.
TEST(CudaGemmMemory, NoWastedSectorsOfWeights) {
  constexpr int64_t kN = 376, kK = 16400;
  for (const CudaLayout layout : {CudaLayout::i2s, CudaLayout::t5}) {
    const double ideal = ideal_sectors(layout, kN, kK);
    check_gemm(spec_of(TERNARY_A8, 16, kN, kK), layout, ideal);
    check_gemm(spec_of(TERNARY_A8, 16, kN, kK, 128), layout, ideal);
    check_gemm(spec_of(TERNARY_A16, 9, kN, kK), layout, ideal);
  }
}

/** A GEMV row's run: no conflict in any access to shared memory. */
Use check_gemv(const CudaKernel& kernel, const ProblemSpec& spec, const std::string& verdict) {
  EXPECT_EQ(verdict, "") << kernel.file;
  if (softgpu<decltype(softgpu_reset_counters)>("softgpu_reset_counters") == nullptr) return {};
  const Use use = use_since_reset<loads_gemv_weights>("gemv_");
  EXPECT_GT(use.ideal_passes, 0u) << kernel.file;
  EXPECT_EQ(use.passes, use.ideal_passes) << kernel.file << " in " << spec.text() << "\n" << use.conflicts;
  return use;
}

void reset_counters() {
  const auto reset = softgpu<decltype(softgpu_reset_counters)>("softgpu_reset_counters");
  if (reset != nullptr) {
    ASSERT_EQ(reset(), 0);
  }
}

/** GEMV rows of a stage and layout for M rows of X. */
std::vector<const CudaKernel*> gemv_rows(CudaStage stage, CudaLayout layout, int64_t M) {
  std::vector<const CudaKernel*> rows;
  for (const CudaKernel* kernel : cuda_rows(stage)) {
    const bool fits = kernel->layout == layout && M >= kernel->m_min && M <= kernel->m_max;
    if (fits && std::strncmp(kernel->file, "gemv_", 5) == 0) rows.push_back(kernel);
  }
  return rows;
}

/** Files of the GEMV rows of a stage. */
std::set<std::string> gemv_files(CudaStage stage) {
  std::set<std::string> files;
  for (const CudaKernel* kernel : cuda_rows(stage)) {
    if (std::strncmp(kernel->file, "gemv_", 5) == 0) files.insert(kernel->file);
  }
  return files;
}

/** A device of so many SMs: of 25 panels and enough K, 1, 2, 4 or 8 SMs make as many warps share K. */
DeviceLimits small_device(int sm_count) {
  DeviceLimits limits = device_limits();
  limits.sm_count = sm_count;
  return limits;
}

// The whole kernel, the sums at the end of a panel set included: their places depend on M, on the warps that share K
// and on how CTAs add up (alone, as a cluster, in device memory).
TEST(CudaGemvMemory, NoBankConflicts) {
  for (const CudaLayout layout : {CudaLayout::i2s, CudaLayout::t5}) {
    for (const int64_t M : {1, 2, 3, 5, 7, 8, 9, 13, 16}) {
      const ProblemSpec spec = spec_of(TERNARY_A8, M, 400, 5200);
      CudaGemmCase gemm(spec, layout);
      for (const CudaKernel* kernel : gemv_rows(CudaStage::gemm_a8, layout, M)) {
        for (const int sm_count : {1, 2, 4, 8}) {
          for (const int splits : {1, 2, 3}) {
            if (splits > 1 && sm_count != 4) continue;
            gemm.device(small_device(sm_count));
            reset_counters();
            check_gemv(*kernel, spec, gemm.run(*kernel, splits));
          }
        }
      }
    }
  }
}

TEST(CudaGemvMemory, NoBankConflictsWithGroups) {
  for (const CudaLayout layout : {CudaLayout::i2s, CudaLayout::t5}) {
    for (const int64_t M : {1, 3, 8, 13}) {
      for (const int64_t group : {64, 96, 4096}) {
        const ProblemSpec spec = spec_of(TERNARY_A8, M, 400, 5200, group);
        CudaGemmCase gemm(spec, layout);
        for (const CudaKernel* kernel : gemv_rows(CudaStage::gemm_a8, layout, M)) {
          for (const int sm_count : {1, 4}) {
            gemm.device(small_device(sm_count));
            reset_counters();
            check_gemv(*kernel, spec, gemm.run(*kernel));
          }
        }
      }
    }
  }
}

TEST(CudaGemvMemory, NoBankConflictsFused) {
  for (const CudaLayout layout : {CudaLayout::i2s, CudaLayout::t5}) {
    for (const int64_t M : {1, 3, 8, 13}) {
      for (const int64_t group : {0, 64}) {
        ProblemSpec spec = spec_of(TERNARY_A8, M, 400, 2600, group);
        spec.norm = true;
        CudaFusedCase fused(spec, layout);
        for (const CudaKernel* kernel : gemv_rows(CudaStage::fused_a8, layout, M)) {
          for (const int sm_count : {1, 2, 4}) {
            reset_counters();
            check_gemv(*kernel, spec, fused.run(*kernel, small_device(sm_count)));
          }
        }
      }
    }
  }
}

/** Tiles of a panel that are read where a warp has whole super-blocks: one that lies in two is read twice. */
int64_t tiles_of_super_blocks(CudaLayout layout, int64_t K, int64_t group) {
  const int64_t super_block = group >= 2048 ? group : 2048 / group * group, tile = cuda_tile_columns(layout);
  int64_t tiles = 0;
  for (int64_t k = 0; k < K; k += super_block) tiles += ceil_div(std::min(K, k + super_block), tile) - k / tile;
  return tiles;
}

// Just over the 6 million weights from which waste counts: seconds on the software GPU. Neither N nor K is whole panels
// or tiles. Many slabs a warp; for M = 8 and more q comes in chunks, of the smallest shared memory that a GPU has to
// all of it.
TEST(CudaGemvMemory, NoWastedSectorsOfWeights) {
  constexpr int64_t kN = 328, kK = 20500;
  std::set<std::string> files;
  for (const CudaLayout layout : {CudaLayout::i2s, CudaLayout::t5}) {
    const double ideal = ideal_sectors(layout, kN, kK);
    for (const int64_t group : {0, 128}) {
      const ProblemSpec spec = spec_of(TERNARY_A8, 16, kN, kK, group);
      CudaGemmCase gemm(spec, layout);
      // Super-blocks of 2048 columns are 16 tiles of I2S; 12.8 of T5: four of five share a tile with the next, 13.6 are
      // read.
      const double tiles = static_cast<double>(ceil_div(kK, cuda_tile_columns(layout)));
      const double twice = group == 0 ? 1 : static_cast<double>(tiles_of_super_blocks(layout, kK, group)) / tiles;
      const double most = std::max(1.05, twice * tiles * 16 * static_cast<double>(ceil_div(kN, 16)) / ideal);
      for (const int64_t M : {1, 2, 8, 16}) {
        for (const CudaKernel* kernel : gemv_rows(CudaStage::gemm_a8, layout, M)) {
          for (const int shared_bytes : {99 << 10, device_limits().shared_bytes}) {
            if (M < 8 && shared_bytes == 99 << 10) continue;  // all of q, too
            files.insert(kernel->file);
            DeviceLimits limits = device_limits();
            limits.shared_bytes = shared_bytes;
            gemm.device(limits);
            reset_counters();
            const Use use = check_gemv(*kernel, spec, gemm.run(*kernel, 0, M));
            if (use.ideal_passes == 0) continue;  // a GPU
            EXPECT_GE(static_cast<double>(use.weight_sectors), ideal) << kernel->file << ", M = " << M;
            EXPECT_LE(static_cast<double>(use.weight_sectors), most * ideal)
                << kernel->file << ", M = " << M << ", " << shared_bytes << " bytes in " << spec.text();
          }
        }
      }
    }
  }
  EXPECT_EQ(files, gemv_files(CudaStage::gemm_a8));
}

TEST(CudaGemvMemory, NoWastedSectorsOfWeightsFused) {
  constexpr int64_t kN = 2568, kK = 2700;       // q of 16 rows fits in any GPU's shared memory
  const DeviceLimits limits = small_device(8);  // each CTA quantises X: few of them, which take many panels
  std::set<std::string> files;
  for (const CudaLayout layout : {CudaLayout::i2s, CudaLayout::t5}) {
    const double ideal = ideal_sectors(layout, kN, kK);
    for (const int64_t M : {1, 8, 16}) {
      const ProblemSpec spec = spec_of(TERNARY_A8, M, kN, kK);
      CudaFusedCase fused(spec, layout);
      for (const CudaKernel* kernel : gemv_rows(CudaStage::fused_a8, layout, M)) {
        files.insert(kernel->file);
        reset_counters();
        const Use use = check_gemv(*kernel, spec, fused.run(*kernel, limits));
        if (use.ideal_passes == 0) continue;  // a GPU
        EXPECT_GE(static_cast<double>(use.weight_sectors), ideal) << kernel->file << ", M = " << M;
        EXPECT_LE(static_cast<double>(use.weight_sectors), 1.05 * ideal) << kernel->file << ", M = " << M;
      }
    }
  }
  EXPECT_EQ(files, gemv_files(CudaStage::fused_a8));
}

}  // namespace
}  // namespace ternary::test
