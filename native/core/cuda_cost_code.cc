#include "core/cuda_cost_code.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>

#include "core/cuda_figures.h"

namespace ternary {
namespace {

constexpr CostKernel kRows[] = {
#define ACTIVATIONS(name, function)
#define GEMM(name, stage, layout, function, m_min, m_max, k_max) \
  {name, #function, CudaStage::stage, CudaLayout::layout, m_min, m_max, {}},
#define FUSED(name, layout, function, m_min, m_max, k_max) \
  {name, #function, CudaStage::fused_a8, CudaLayout::layout, m_min, m_max, {}},
#include "cuda/kernels.inc"
#undef ACTIVATIONS
#undef GEMM
#undef FUSED
};

constexpr int kGemvThreads = 256, kGemvPanels = 8;
/** Each of a GEMV's eight warps has four loads of 512 bytes on their way. */
constexpr int64_t kGemvInFlight = 8 * 4 * 512;

bool has(const KernelFigures& f, const char* part) { return std::strstr(f.kernel, part) != nullptr; }

/** Divides the loop's instructions by the units that it is for. */
CostCode per_unit(const KernelFigures& f, double units) {
  CostCode code;
  code.slots = f.value[kLoop] / units;
  code.alu = f.value[kLoopAlu] / units;
  code.multiply = f.value[kLoopMultiply] / units;
  code.idp = f.value[kLoopDp4a] / units;
  code.shared = f.value[kLoopShared] / units;
  code.registers = static_cast<int>(f.value[kRegisters]);
  code.static_shared = static_cast<int64_t>(f.value[kShared]);
  return code;
}

double products(const KernelFigures& f) { return f.value[kLoopTensor] + f.value[kLoopDp4a]; }

/** The line of a GEMV without groups that multiplies as `f` does. */
const KernelFigures* slabs_of(const KernelFigures& f) {
  const char* dots = std::strchr(f.kernel, '<');
  const char* end = std::strstr(f.kernel, "Rows");
  for (int i = 0; i < kKernelFiguresCount; ++i) {
    const KernelFigures& other = kKernelFigures[i];
    if (std::strcmp(other.arch, f.arch) == 0 && std::strcmp(other.file, f.file) == 0 &&
        has(other, "gemv_slabs_kernel") &&
        std::strncmp(std::strchr(other.kernel, '<'), dots, static_cast<size_t>(end - dots)) == 0) {
      return &other;
    }
  }
  return nullptr;
}

/** The last argument of the kernel's dot products: "MmaDots<T5Codes<4>,2>,StagedRows" is for twice eight rows of X. */
int rows_of(const KernelFigures& f) {
  const char* end = std::strstr(f.kernel, has(f, "StagedRows") ? ">,StagedRows" : ">,FusedRows");
  const char* number = end;
  while (number > f.kernel && number[-1] != ',') --number;
  return std::atoi(number) * (has(f, "MmaDots<") ? 8 : 1);
}

void add_gemv(const KernelFigures& f, CostKernel& kernel) {
  const bool groups = has(f, "gemv_blocks_kernel");
  // The loop of a kernel with groups loads no weights, so its units are known by its products alone.
  const KernelFigures* slabs = groups ? slabs_of(f) : &f;
  if (slabs == nullptr || slabs->value[kPer16] == 0) return;
  const double slab_units = slabs->value[kLoop] / slabs->value[kPer16];
  CostCode code = per_unit(f, slab_units * products(f) / products(*slabs));
  code.imma = slabs->value[kLoopTensor] / slab_units;
  code.rows = rows_of(f);
  code.tile_n = 16 * kGemvPanels;
  code.tile_m = code.rows;
  code.threads = kGemvThreads;
  code.in_flight = groups ? kGemvInFlight / 4 : kGemvInFlight;
  kernel.codes[groups][code.rows <= 1 ? 0 : code.rows <= 4 ? 1 : code.rows <= 8 ? 2 : 3] = code;
}

void add_gemm(const KernelFigures& f, CostKernel& kernel) {
  int layout, warps_n, warps_m, panels, eights, stages, ahead;
  const char* tile = std::strstr(f.kernel, "GemmTile<");
  if (tile == nullptr || std::sscanf(tile, "GemmTile<%d,%d,%d,%d,%d,%d,%d", &layout, &warps_n, &warps_m, &panels,
                                     &eights, &stages, &ahead) != 7) {
    return;
  }
  const bool dense = kernel.layout == CudaLayout::dense, floats = dense || kernel.stage == CudaStage::gemm_a16;
  const int planes = has(f, ",3,false,") ? 3 : 1;
  // m16n8k32 is a unit for eight rows of X, m16n8k16 half of one.
  CostCode code = per_unit(f, products(f) / (floats ? 2 * planes : 1));
  (floats ? code.hmma : code.imma) = floats ? 2 * planes : 1;
  code.rows = 8;
  code.tile_n = 16 * warps_n * panels;
  code.tile_m = 8 * warps_m * eights;
  code.threads = 32 * warps_n * warps_m;
  const int64_t columns = kernel.layout == CudaLayout::t5 ? 320 : kernel.layout == CudaLayout::i2s ? 128 : 64;
  const int64_t x_bytes = kernel.stage == CudaStage::gemm_a16 ? 2 * planes : 1;
  const int64_t w_bytes = dense ? 2 * columns * code.tile_n : 0;  // others' weights go to registers
  code.stage_bytes = stages * (columns * x_bytes * code.tile_m + w_bytes);
  code.in_flight =
      dense ? (stages - 1) * w_bytes
            : int64_t{ahead} * warps_n * panels * kCudaTileBytes * columns / cuda_tile_columns(kernel.layout);
  const bool groups = has(f, "Group");
  kernel.codes[groups][planes == 3 ? 1 : 0] = code;
}

}  // namespace

const CostCode& CostKernel::code_for(int64_t M, int planes, bool groups) const {
  if (!gemv()) return codes[groups][stage == CudaStage::gemm_a16 && planes == 3 ? 1 : 0];
  int variant = M <= 1 ? 0 : M <= 4 ? 1 : M <= 8 ? 2 : 3;
  while (variant < kCostVariants - 1 && codes[groups][variant].rows == 0) ++variant;
  return codes[groups][variant];
}

std::vector<CostKernel> cost_kernels(const char* arch) {
  std::vector<CostKernel> kernels(std::begin(kRows), std::end(kRows));
  for (int i = 0; i < kKernelFiguresCount; ++i) {
    const KernelFigures& f = kKernelFigures[i];
    if (std::strcmp(f.arch, arch) != 0) continue;
    for (CostKernel& kernel : kernels) {
      if (std::strcmp(kernel.file, f.file) != 0) continue;
      if (kernel.gemv()) {
        add_gemv(f, kernel);
      } else {
        add_gemm(f, kernel);
      }
    }
  }
  return kernels;
}

}  // namespace ternary
