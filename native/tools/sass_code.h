/**
 * @file sass_code.h
 * @brief What an object file of native/cuda holds: the machine code of its kernels in figures, and which variants they are.
 */
#ifndef TERNARY_TOOLS_SASS_CODE_H_
#define TERNARY_TOOLS_SASS_CODE_H_

#include <array>
#include <map>
#include <string>
#include <vector>

#include "abi/cuda_figures.h"
#include "abi/cuda_rows.h"
#include "sass_weights.h"

namespace ternary::test {

using Figures = std::array<double, kFigureCount>;

struct KernelCode {
  Figures figures = {};  ///< but those of sass_flight.h
  WeightLoads weights;
  int cut_for_ctas = 0;  ///< CTAs of an SM, by __launch_bounds__
};

/**
 * Every kernel of an object file of a row, by name with template arguments. The steady loop is the innermost one with the
 * most tensor or dp4a instructions; its weights per lane are its 16-byte loads from global memory, because q is in
 * shared memory. Where the row's layout is top2 it is the loop that decodes W (sass_tiles.h).
 */
std::map<std::string, KernelCode> measure_kernels(const std::string& cuobjdump, const std::string& object,
                                                  const CudaRow& row, bool pdl);

/** What TERNARY_CUDA_VARIANT says (cuda/device/variant.h): places in kCudaRows, and the kernel as above. */
struct StatedVariant {
  int row, variant;
  std::string kernel;
};

std::vector<StatedVariant> stated_variants(const std::string& nm, const std::string& object);

}  // namespace ternary::test

#endif  // TERNARY_TOOLS_SASS_CODE_H_
