/**
 * @file host_cudart.h
 * @brief A runtime of CUDA that is a few functions here, for tests that need no GPU: its device memory is the host's.
 */
#ifndef TERNARY_TESTS_SUPPORT_HOST_CUDART_H_
#define TERNARY_TESTS_SUPPORT_HOST_CUDART_H_

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <functional>

#include "core/cuda/device/cudart.h"

namespace ternary::test {

inline thread_local int current_device = 0;
inline std::atomic<int> allocations{0};
inline std::function<void(int device)> on_upload;

/** What no test calls is null. */
inline const Cudart& host_cudart() {
  static const Cudart cuda = [] {
    Cudart c = {};
    c.GetDevice = [](int* device) { return *device = current_device, 0; };
    c.SetDevice = [](int device) { return current_device = device, 0; };
    c.ThreadExchangeStreamCaptureMode = [](int*) { return 0; };
    c.Malloc = [](void** memory, size_t bytes) {
      ++allocations;
      *memory = std::malloc(bytes);
      return 0;
    };
    c.Free = [](void* memory) { return std::free(memory), 0; };
    c.StreamCreateWithFlags = [](void** stream, unsigned) { return *stream = nullptr, 0; };
    c.StreamDestroy = [](void*) { return 0; };
    c.StreamSynchronize = [](void*) { return 0; };
    c.MemcpyAsync = [](void* to, const void* from, size_t bytes, int, void*) {
      if (on_upload) on_upload(current_device);
      std::memcpy(to, from, bytes);
      return 0;
    };
    return c;
  }();
  return cuda;
}

}  // namespace ternary::test

#endif  // TERNARY_TESTS_SUPPORT_HOST_CUDART_H_
