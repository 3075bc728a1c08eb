/**
 * @file launching.h
 * @brief What a launch must obey, and how many CTAs of a kernel a multiprocessor holds.
 */
#ifndef TERNARY_SOFTGPU_RUNTIME_LAUNCHING_H_
#define TERNARY_SOFTGPU_RUNTIME_LAUNCHING_H_

#include <cuda_runtime_api.h>

#include "softgpu/runtime/runtime.h"

namespace ternary::softgpu {

/** Checks the launch against kernel and device and enqueues it. Throws CudaFailure. */
void launch(Runtime& runtime, Kernel& kernel, const cudaLaunchConfig_t& config, void** arguments);

/** CTAs of so many threads and so much dynamic shared memory that are resident on a multiprocessor at once. */
int resident_ctas(Runtime& runtime, Kernel& kernel, int threads, size_t dynamic_shared_bytes);

/** The most dynamic shared memory that launches of the kernel may ask for. */
int dynamic_shared_limit(const Kernel& kernel, uint32_t static_shared_bytes, int ordinal);

}  // namespace ternary::softgpu

#endif  // TERNARY_SOFTGPU_RUNTIME_LAUNCHING_H_
