/**
 * @file run_chunks.h
 * @brief Chunks of a stage on the threads of a runtime, by a function object.
 */
#ifndef TERNARY_CORE_MOE_RUN_CHUNKS_H_
#define TERNARY_CORE_MOE_RUN_CHUNKS_H_

#include "core/runtime/runtime.h"

namespace ternary {

/** Calls body(chunk, thread) for all chunks, on up to `threads` threads. */
template <typename Body>
void run_chunks(ternary_runtime& runtime, int64_t chunks, int64_t threads, Body body) {
  if (threads <= 1) {
    for (int64_t chunk = 0; chunk < chunks; ++chunk) body(chunk, 0);
    return;
  }
  const auto call = [](void* context, int64_t chunk, int thread) { (*static_cast<Body*>(context))(chunk, thread); };
  runtime.pool.run(chunks, static_cast<int>(threads), call, &body);
}

}  // namespace ternary

#endif  // TERNARY_CORE_MOE_RUN_CHUNKS_H_
