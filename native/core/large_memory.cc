#include "core/large_memory.h"

#include <sys/mman.h>

#include <new>

#include "core/kernel.h"

namespace ternary {
namespace {

constexpr int64_t kHugePage = int64_t{2} << 20;

}  // namespace

LargeMemory large_memory(int64_t bytes) {
  const int64_t alignment = bytes >= kHugePage ? kHugePage : 64, size = round_up(bytes, alignment);
  LargeMemory memory(static_cast<uint8_t*>(std::aligned_alloc(alignment, size)));
  if (memory == nullptr) throw std::bad_alloc();
  if (alignment == kHugePage) madvise(memory.get(), size, MADV_HUGEPAGE);  // a wish, not a need
  return memory;
}

}  // namespace ternary
