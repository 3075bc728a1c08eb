/**
 * @file copies.h
 * @brief The work of cudaMemcpy and cudaMemset in their forms.
 */
#ifndef TERNARY_SOFTGPU_RUNTIME_COPIES_H_
#define TERNARY_SOFTGPU_RUNTIME_COPIES_H_

#include <cuda_runtime_api.h>

#include "softgpu/runtime/runtime.h"

namespace ternary::softgpu {

/** Rows of `width` bytes, `pitch` apart. */
struct Rows {
  uint64_t address;
  uint64_t pitch;
};

/** What a copy is between. */
struct CopyRequest {
  const char* what;  ///< the function's name
  Rows to, from;
  uint64_t width, height;
  cudaMemcpyKind kind;
  bool asynchronous;
};

/** Checks, enqueues and, unless asynchronous, waits. Throws CudaFailure. */
void copy(Runtime& runtime, Stream& stream, const CopyRequest& request);

/** Fills rows with a byte. */
void fill(Runtime& runtime, Stream& stream, const char* what, const Rows& rows, int value, uint64_t width,
          uint64_t height, bool asynchronous);

}  // namespace ternary::softgpu

#endif  // TERNARY_SOFTGPU_RUNTIME_COPIES_H_
