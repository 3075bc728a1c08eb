/**
 * @file api.h
 * @brief What every function of the C interface does around its own business: the lock, exceptions, the last error.
 */
#ifndef TERNARY_SOFTGPU_API_API_H_
#define TERNARY_SOFTGPU_API_API_H_

#include <cuda_runtime_api.h>

#include <mutex>
#include <new>

#include "softgpu/runtime/runtime.h"

namespace ternary::softgpu {

/** Remembers an error for cudaGetLastError() of this thread, and returns it. */
cudaError_t remember(cudaError_t error) noexcept;
/** The remembered error, or that of a fault, which stays. */
cudaError_t last_error(bool clear) noexcept;

/** How deep the calling thread is inside of this library. */
extern thread_local int depth;

/** For a scope. */
struct Inside {
  Inside() noexcept { ++depth; }
  ~Inside() { --depth; }
  Inside(const Inside&) = delete;
  Inside& operator=(const Inside&) = delete;
};

/** Runs `body(runtime)`; what it throws becomes the error. `function`, by itself the caller's name, is counted. */
template <class Body>
cudaError_t call_even_when_faulted(Body&& body, const char* function = __builtin_FUNCTION()) noexcept {
  const Inside inside;
  try {
    Runtime& runtime = Runtime::instance();
    std::lock_guard<Turns> lock(runtime.mutex);
    runtime.count_call(function);
    body(runtime);
    return cudaSuccess;
  } catch (const CudaFailure& failure) {
    if (failure.what()[0] != 0) say(failure.what());
    return remember(failure.code);
  } catch (const std::bad_alloc&) {
    return remember(cudaErrorMemoryAllocation);
  } catch (const std::exception& error) {
    say(error.what());
    return remember(cudaErrorUnknown);
  }
}

/** As above; after a fault of the device the answer is that fault. */
template <class Body>
cudaError_t call(Body&& body, const char* function = __builtin_FUNCTION()) noexcept {
  return call_even_when_faulted(
      [&](Runtime& runtime) {
        runtime.require_healthy();
        body(runtime);
        runtime.require_healthy();
      },
      function);
}

}  // namespace ternary::softgpu

#endif  // TERNARY_SOFTGPU_API_API_H_
