/**
 * @file call_checks.h
 * @brief What a call on a device's memory and stream is held to, whatever it computes.
 */
#ifndef TERNARY_CORE_CUDA_CALL_CHECKS_H_
#define TERNARY_CORE_CUDA_CALL_CHECKS_H_

#include "core/cuda/device/device.h"

namespace ternary {

/** Asked before anything is launched: a launch on the default stream beside a capture that it would have to wait for
 *  would break that capture. */
bool is_capturing(const Cudart& cuda, void* stream);

/** It is the device's. */
void check_stream(const CudaDevice& device, void* stream);

/** Memory that the device can use, as far as CUDA knows; null is somebody else's matter. */
void check_memory(const CudaDevice& device, const char* name, const void* pointer);

}  // namespace ternary

#endif  // TERNARY_CORE_CUDA_CALL_CHECKS_H_
