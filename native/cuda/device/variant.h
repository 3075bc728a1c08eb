/**
 * @file variant.h
 * @brief How a .cu states which of its compiled kernels is which variant of its row (abi/cuda_rows.h).
 */
#ifndef TERNARY_CUDA_DEVICE_VARIANT_H_
#define TERNARY_CUDA_DEVICE_VARIANT_H_

#include <string_view>

#include "abi/cuda_rows.h"

namespace ternary::cuda {

/**
 * Nobody reads its value, and no library keeps it: the name of its symbol in the object file tells ternary_sass_budget
 * which variant a kernel is. `kRow` and `kVariant` are places in kCudaRows.
 */
template <int kRow, int kVariant, auto kKernel>
__attribute__((used)) const char kCompiledAs = 0;

/** Places in kCudaRows; -1: kernels.inc has none of this name. */
struct VariantPlace {
  int row_index, variant_index;
};
constexpr VariantPlace variant_place(std::string_view row, std::string_view variant) {
  const int place = find_cuda_row(row);
  return {place, place < 0 ? -1 : find_cuda_variant(kCudaRows[place], variant)};
}

/** A variant by its names; one of zeros if there is none. */
constexpr CudaVariant variant_of(std::string_view row, std::string_view variant) {
  const VariantPlace place = variant_place(row, variant);
  return place.variant_index < 0 ? CudaVariant{} : kCudaRows[place.row_index].variants[place.variant_index];
}

/** Its dynamic shared memory by kernels.inc; 0 if there is none. */
constexpr int64_t ring_bytes_of(std::string_view row, std::string_view variant) {
  const VariantPlace place = variant_place(row, variant);
  return place.variant_index < 0
             ? 0
             : cuda_ring_bytes(kCudaRows[place.row_index], kCudaRows[place.row_index].variants[place.variant_index]);
}

/** States that a kernel, the last argument, is a variant of a row. */
#define TERNARY_CUDA_VARIANT(row, variant, ...)                         \
  static_assert(variant_place(#row, #variant).variant_index >= 0,       \
                "kernels.inc has no variant " #variant " of this row"); \
  template const char                                                   \
      kCompiledAs<variant_place(#row, #variant).row_index, variant_place(#row, #variant).variant_index, __VA_ARGS__>;

}  // namespace ternary::cuda

#endif  // TERNARY_CUDA_DEVICE_VARIANT_H_
