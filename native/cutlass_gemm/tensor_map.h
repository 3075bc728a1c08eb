/**
 * @file tensor_map.h
 * @brief How CUTLASS encodes its tensor maps here. Included before any of its headers.
 *
 * CUTLASS asks the runtime for the address of the driver's cuTensorMapEncodeTiled() at every launch, or calls it by name.
 * Here its name is the function below, which asks once. CUTLASS's own answer to a failure is text on std::cerr. This
 * function never fails, so the compiler leaves that out, and libstdc++'s streams with it.
 */
#ifndef TERNARY_CUTLASS_GEMM_TENSOR_MAP_H_
#define TERNARY_CUTLASS_GEMM_TENSOR_MAP_H_

#include <cuda.h>
#include <cuda_runtime_api.h>

namespace ternary::cutlass_gemm {

/** The driver's function; what it answers is kept for take_encode_error(). */
void encode_tensor_map(CUtensorMap* map, CUtensorMapDataType type, cuuint32_t rank, void* address,
                       const cuuint64_t* dimensions, const cuuint64_t* strides, const cuuint32_t* box,
                       const cuuint32_t* element_strides, CUtensorMapInterleave interleave, CUtensorMapSwizzle swizzle,
                       CUtensorMapL2promotion promotion, CUtensorMapFloatOOBfill fill);

/** cudaSuccess if all maps that this thread has encoded since it asked last are good; else what a launch returns. */
cudaError_t take_encode_error();

}  // namespace ternary::cutlass_gemm

/** In the place of the driver's, which this library is not linked with. */
inline CUresult CUDAAPI cuTensorMapEncodeTiled(CUtensorMap* map, CUtensorMapDataType type, cuuint32_t rank,
                                               void* address, const cuuint64_t* dimensions, const cuuint64_t* strides,
                                               const cuuint32_t* box, const cuuint32_t* element_strides,
                                               CUtensorMapInterleave interleave, CUtensorMapSwizzle swizzle,
                                               CUtensorMapL2promotion promotion, CUtensorMapFloatOOBfill fill) {
  ternary::cutlass_gemm::encode_tensor_map(map, type, rank, address, dimensions, strides, box, element_strides,
                                           interleave, swizzle, promotion, fill);
  return CUDA_SUCCESS;
}

// The guard of libstdc++'s <iostream>, which would put the construction of all streams into each object file. What
// CUTLASS's headers name of it is declared; nothing that is compiled uses it.
#define _GLIBCXX_IOSTREAM 1
#include <ostream>
namespace std {
extern ostream cout, cerr;
}

#endif  // TERNARY_CUTLASS_GEMM_TENSOR_MAP_H_
