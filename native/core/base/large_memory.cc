#include "core/base/large_memory.h"

#include <sys/mman.h>

#include <new>

#include "abi/kernel.h"

namespace ternary {
namespace {

constexpr int64_t kHugePage = int64_t{2} << 20;

}  // namespace

LargeMemory large_memory(int64_t bytes) {
  void* memory = nullptr;
  const int64_t huge_bytes =
      bytes / kHugePage * kHugePage;  // the rest stays in small pages: rounding up could double it
  const auto alignment = static_cast<size_t>(huge_bytes > 0 ? kHugePage : kScratchAlignment);
  const auto size = static_cast<size_t>(round_up(bytes, kScratchAlignment));  // kernels may read whole cache lines
  if (posix_memalign(&memory, alignment, size) != 0) throw std::bad_alloc();
  if (huge_bytes > 0) madvise(memory, static_cast<size_t>(huge_bytes), MADV_HUGEPAGE);  // a wish, not a need
  return LargeMemory(static_cast<uint8_t*>(memory));
}

}  // namespace ternary
