#include <cuda.h>
#include <cudaTypedefs.h>
#include <cuda_runtime_api.h>

namespace ternary::cutlass_gemm {
namespace {

thread_local cudaError_t encode_error = cudaSuccess;

PFN_cuTensorMapEncodeTiled_v12000 driver_function() {
  void* address = nullptr;
  cudaDriverEntryPointQueryResult found = cudaDriverEntryPointSymbolNotFound;
  const cudaError_t error =
      cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &address, 12000, cudaEnableDefault, &found);
  const bool there = error == cudaSuccess && found == cudaDriverEntryPointSuccess;
  return there ? reinterpret_cast<PFN_cuTensorMapEncodeTiled_v12000>(address) : nullptr;
}

}  // namespace

void encode_tensor_map(CUtensorMap* map, CUtensorMapDataType type, cuuint32_t rank, void* address,
                       const cuuint64_t* dimensions, const cuuint64_t* strides, const cuuint32_t* box,
                       const cuuint32_t* element_strides, CUtensorMapInterleave interleave, CUtensorMapSwizzle swizzle,
                       CUtensorMapL2promotion promotion, CUtensorMapFloatOOBfill fill) {
  static const PFN_cuTensorMapEncodeTiled_v12000 encode = driver_function();
  if (encode == nullptr) {
    encode_error = cudaErrorSymbolNotFound;
  } else if (encode(map, type, rank, address, dimensions, strides, box, element_strides, interleave, swizzle, promotion,
                    fill) != CUDA_SUCCESS) {
    encode_error = cudaErrorInvalidValue;
  }
}

cudaError_t take_encode_error() {
  const cudaError_t error = encode_error;
  encode_error = cudaSuccess;
  return error;
}

}  // namespace ternary::cutlass_gemm
