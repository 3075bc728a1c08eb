/**
 * @file large_memory.h
 * @brief Memory that is read in long runs.
 */
#ifndef TERNARY_CORE_BASE_LARGE_MEMORY_H_
#define TERNARY_CORE_BASE_LARGE_MEMORY_H_

#include <cstdint>
#include <cstdlib>
#include <memory>

namespace ternary {

struct FreeMemory {
  void operator()(uint8_t* memory) const { std::free(memory); }
};
using LargeMemory = std::unique_ptr<uint8_t, FreeMemory>;

/** Uninitialised, 64-byte aligned; 2 MiB and more ask for huge pages, a streamed matrix misses the TLB otherwise.
 *  Throws std::bad_alloc. */
LargeMemory large_memory(int64_t bytes);

}  // namespace ternary

#endif  // TERNARY_CORE_BASE_LARGE_MEMORY_H_
