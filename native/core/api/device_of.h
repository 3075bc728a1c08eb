/**
 * @file device_of.h
 * @brief The device that a function of the C interface needs, and how it is called.
 */
#ifndef TERNARY_CORE_API_DEVICE_OF_H_
#define TERNARY_CORE_API_DEVICE_OF_H_

#include "core/runtime/runtime.h"

namespace ternary {

/** The runtime's; throws, with the function's name, if its products run on the CPU. */
Accelerator& device_of(const ternary_runtime* runtime, const char* function);

/** What was given, or the default stream. */
const ternary_cuda_call& call_of(const ternary_cuda_call* call);

}  // namespace ternary

#endif  // TERNARY_CORE_API_DEVICE_OF_H_
