#include "core/cost/code.h"

#include <algorithm>
#include <cstring>

namespace ternary {
namespace {

/** The lines of an architecture. */
class Figures {
 public:
  Figures(const char* arch, const FigureLines& lines) : arch_(arch), lines_(lines) {}

  /** The line of a variant; null: there is none, or none that divides. */
  const CudaFigures* of(const CudaRow& row, const CudaVariant& variant) const {
    const CudaFigures* found = nullptr;
    for (const CudaFigures& line : lines_) {
      if (std::strcmp(line.row, row.file) != 0 || std::strcmp(line.variant, variant.name) != 0) continue;
      const bool exact = std::strcmp(line.arch, arch_) == 0;
      if (exact || (found == nullptr && is_code_of_its_capability(line.arch))) found = &line;
      if (exact) break;
    }
    if (found == nullptr) return nullptr;
    return found->value[kRegisters] > 0 && found->value[kLoop] > 0 && products(*found) > 0 ? found : nullptr;
  }

  static double products(const CudaFigures& f) { return f.value[kLoopTensor] + f.value[kLoopDp4a]; }

 private:
  /** "sm100a" where the architecture is "sm100f": the same number. */
  bool is_code_of_its_capability(const char* arch) const {
    const size_t digits = std::strlen(arch) - 1;
    return arch[digits] == 'a' && std::strncmp(arch, arch_, digits) == 0 && std::strlen(arch_) == digits + 1;
  }

  const char* arch_;
  const FigureLines& lines_;
};

/** Divides the loop's instructions by the steps that it is for. */
CostCode per_step(const CudaRow& row, const CudaVariant& variant, const CudaFigures& f, double steps) {
  CostCode code;
  code.row = &row;
  code.shape = variant;
  if (f.value[kAhead] > 0) code.shape.ahead = static_cast<int>(f.value[kAhead]);
  if (f.value[kCtas] > 0) code.shape.ctas = std::min(variant.ctas, static_cast<int>(f.value[kCtas]));
  code.slots = f.value[kLoop] / steps;
  code.alu = f.value[kLoopAlu] / steps;
  code.multiply = f.value[kLoopMultiply] / steps;
  code.idp = f.value[kLoopDp4a] / steps;
  code.shared = f.value[kLoopShared] / steps;
  code.registers = static_cast<int>(f.value[kRegisters]);
  code.static_shared = static_cast<int64_t>(f.value[kShared]);
  return code;
}

/** The variant for as many rows of X without units. */
const CudaVariant* plain_variant(const CudaRow& row, const CudaVariant& variant) {
  for (const CudaVariant* other = row.variants; other->name != nullptr; ++other) {
    if (other->units == CudaUnits::none && other->rows == variant.rows) return other;
  }
  return nullptr;
}

CostCode gemv_code(const CudaRow& row, const CudaVariant& variant, const Figures& figures) {
  // The loop of a kernel with units loads no weights, so its steps are known by its products alone.
  const CudaVariant* plain_shape = plain_variant(row, variant);
  const CudaFigures* plain = plain_shape == nullptr ? nullptr : figures.of(row, *plain_shape);
  const CudaFigures* f = figures.of(row, variant);
  if (f == nullptr || plain == nullptr || plain->value[kPer16] <= 0) return {};
  const double plain_steps = plain->value[kLoop] / plain->value[kPer16];
  CostCode code = per_step(row, variant, *f, plain_steps * Figures::products(*f) / Figures::products(*plain));
  code.imma = plain->value[kLoopTensor] / plain_steps;
  return code;
}

CostCode gemm_code(const CudaRow& row, const CudaVariant& variant, const Figures& figures) {
  const CudaFigures* f = figures.of(row, variant);
  if (f == nullptr) return {};
  const bool floats = row.layout == CudaLayout::dense || row.a16();
  // m16n8k32 is a step for eight rows of X, m16n8k16 half of one.
  const int products = floats ? 2 * variant.planes : 1;
  CostCode code = per_step(row, variant, *f, Figures::products(*f) / products);
  (floats ? code.hmma : code.imma) = products;
  code.ring_bytes = cuda_ring_bytes(row, variant);
  return code;
}

/** What the four warps issue that decode W: a lane's 16 weights are a step. */
CostCode tile_code(const CudaRow& row, const CudaVariant& variant, const Figures& figures) {
  const CudaFigures* f = figures.of(row, variant);
  if (f == nullptr || f->value[kPer16] <= 0) return {};
  return per_step(row, variant, *f, f->value[kLoop] / f->value[kPer16]);
}

CostCode code_of(const CudaRow& row, const CudaVariant& variant, const Figures& figures) {
  if (row.layout == CudaLayout::top2) return tile_code(row, variant, figures);
  return row.gemv() ? gemv_code(row, variant, figures) : gemm_code(row, variant, figures);
}

}  // namespace

const CostCode* CostKernel::code_for(int64_t M, int planes, CudaUnits units) const {
  for (int i = 0; row->variants[i].name != nullptr; ++i) {
    const CudaVariant& variant = row->variants[i];
    const bool serves = row->gemv() ? M <= variant.rows : !row->a16() || planes == variant.planes;
    if (serves && units == variant.units) return codes[i].slots > 0 ? &codes[i] : nullptr;
  }
  return nullptr;
}

namespace {

/** Of the rows for which `wanted(row)` is true. */
template <typename Wanted>
std::vector<CostKernel> kernels_of(const char* arch, const FigureLines& lines, Wanted wanted) {
  const Figures figures(arch, lines);
  std::vector<CostKernel> kernels;
  for (const CudaRow& row : kCudaRows) {
    if (!wanted(row)) continue;
    CostKernel kernel = {&row, {}};
    for (int i = 0; row.variants[i].name != nullptr; ++i) {
      kernel.codes[i] = code_of(row, row.variants[i], figures);
    }
    kernels.push_back(kernel);
  }
  return kernels;
}

}  // namespace

std::vector<CostKernel> cost_kernels(const char* arch, const FigureLines& figures) {
  return kernels_of(arch, figures, [](const CudaRow& row) { return row.product(); });
}

std::vector<CostKernel> expert_cost_kernels(const char* arch, const FigureLines& figures) {
  return kernels_of(arch, figures, [](const CudaRow& row) { return row.multiplies() && !row.product(); });
}

}  // namespace ternary
