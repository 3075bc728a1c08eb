/**
 * @file find_device.h
 * @brief Whether there is a GPU that can serve.
 */
#ifndef TERNARY_CORE_CUDA_DEVICE_FIND_DEVICE_H_
#define TERNARY_CORE_CUDA_DEVICE_FIND_DEVICE_H_

#include "core/cuda/device/libraries.h"

namespace ternary {

/**
 * Looks for device `ordinal`; an empty reason means that `device` is set, and that all kernels of its libraries have been
 * loaded there: CUDA may leave that to a kernel's first launch, and says then only that a library has no code for the
 * device. Throws a Failure only if the first of the libraries beside this one is damaged.
 */
NoCuda find_cuda_device(int ordinal, CudaPtx ptx, CutlassChoice cutlass, CudaDevice& device);

}  // namespace ternary

#endif  // TERNARY_CORE_CUDA_DEVICE_FIND_DEVICE_H_
