/**
 * @file call_checks.h
 * @brief What a call on a device's memory and stream is held to, whatever it computes.
 */
#ifndef TERNARY_CORE_CUDA_CALL_CHECKS_H_
#define TERNARY_CORE_CUDA_CALL_CHECKS_H_

#include <initializer_list>

#include "core/cuda/device/device.h"
#include "core/product/ranges.h"

namespace ternary {

/** Asked before anything is launched: a launch on the default stream beside a capture that it would have to wait for
 *  would break that capture. */
bool is_capturing(const Cudart& cuda, void* stream);

/** It is the device's. */
void check_stream(const CudaDevice& device, void* stream);

/** Memory that the device can use, as far as CUDA knows; null is somebody else's matter. */
void check_memory(const CudaDevice& device, const char* name, const void* pointer);

/** An argument in the device's memory. */
struct DeviceArgument {
  const char* name;
  const void* pointer;
};

/** The stream and the arguments. */
void check_call(const CudaDevice& device, const ternary_cuda_call& call,
                std::initializer_list<DeviceArgument> arguments);

/** The workspace, if one is given, holds the bytes that `says` told, and lies apart from the operands. */
void check_workspace(const CudaDevice& device, const ternary_cuda_call& call, int64_t needed, const char* says,
                     const Range* operands, int count);

/** Whether the call is captured; if it needs a workspace then, it must have brought one. */
bool check_capture(const CudaDevice& device, const ternary_cuda_call& call, int64_t workspace_bytes);

}  // namespace ternary

#endif  // TERNARY_CORE_CUDA_CALL_CHECKS_H_
