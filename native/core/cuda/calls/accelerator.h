/**
 * @file accelerator.h
 * @brief An NVIDIA GPU as a runtime's accelerator.
 */
#ifndef TERNARY_CORE_CUDA_CALLS_ACCELERATOR_H_
#define TERNARY_CORE_CUDA_CALLS_ACCELERATOR_H_

#include "core/runtime/accelerator.h"

namespace ternary {

/** The GPU of TERNARY_DEVICE. */
FoundAccelerator find_cuda_accelerator(const Settings& settings);

}  // namespace ternary

#endif  // TERNARY_CORE_CUDA_CALLS_ACCELERATOR_H_
