/**
 * @file libraries.h
 * @brief The libraries of GPU kernels, and which of them a device gets.
 */
#ifndef TERNARY_CORE_CUDA_DEVICE_LIBRARIES_H_
#define TERNARY_CORE_CUDA_DEVICE_LIBRARIES_H_

#include <vector>

#include "core/cuda/device/device.h"

namespace ternary {

/** Why there is no GPU; `library`: there is one, but no library with code that it runs. */
struct NoCuda {
  std::string reason;
  bool library = false;
};

/** Whether PTX may be compiled for a device that no library has machine code for: seconds, and code nobody has seen. */
enum class CudaPtx { never, last_resort };

/** A row of cuda_libraries.inc. */
struct CudaLibraryRow {
  const char* name;   ///< "bitnet"
  const char* archs;  ///< "100a": what it is made for, with commas between; empty: kCudaArchs
};

/** Every row. */
std::vector<CudaLibraryRow> cuda_library_rows();

/**
 * Gives a device, whose properties are set, the libraries of `rows` that it runs; an empty reason means that it has the
 * first, which must have a kernel for every product. Throws a Failure only if that one is damaged.
 */
NoCuda take_libraries(const std::vector<CudaLibraryRow>& rows, CudaPtx ptx, CutlassChoice cutlass, CudaDevice& device);

}  // namespace ternary

#endif  // TERNARY_CORE_CUDA_DEVICE_LIBRARIES_H_
