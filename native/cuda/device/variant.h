/**
 * @file variant.h
 * @brief How a .cu states which of its compiled kernels is which variant of its row (abi/cuda_rows.h).
 */
#ifndef TERNARY_CUDA_DEVICE_VARIANT_H_
#define TERNARY_CUDA_DEVICE_VARIANT_H_

#include "abi/cuda_rows.h"

namespace ternary::cuda {

/**
 * Nobody reads its value, and no library keeps it: the name of its symbol in the object file tells ternary_sass_budget
 * which variant a kernel is. `kRow` and `kVariant` are places in kCudaRows.
 */
template <int kRow, int kVariant, auto kKernel>
__attribute__((used)) const char kCompiledAs = 0;

/** A variant by its names; compiles only if kernels.inc has it. */
#define TERNARY_CUDA_VARIANT_OF(row, variant) \
  kCudaRows[find_cuda_row(#row)].variants[find_cuda_variant(kCudaRows[find_cuda_row(#row)], #variant)]

/** States that a kernel, the last argument, is a variant of a row. */
#define TERNARY_CUDA_VARIANT(row, variant, ...)                                                         \
  static_assert(TERNARY_CUDA_VARIANT_OF(row, variant).name != nullptr, "kernels.inc has no " #variant); \
  template const char                                                                                   \
      kCompiledAs<find_cuda_row(#row), find_cuda_variant(kCudaRows[find_cuda_row(#row)], #variant), __VA_ARGS__>;

}  // namespace ternary::cuda

#endif  // TERNARY_CUDA_DEVICE_VARIANT_H_
