#include "support/allocations.h"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

namespace ternary::test {
namespace {

std::atomic<int64_t> of_all{0};
thread_local int64_t of_thread = 0;

/** Of one allocation. Called by malloc(): allocates nothing. */
void count_one() {
  ++of_all;
  if (ignored == nullptr || ignored() == 0) ++of_thread;
}

}  // namespace

int (*ignored)() = nullptr;

int64_t allocations() { return of_all; }
int64_t allocations_of_thread() { return of_thread; }

}  // namespace ternary::test

// The C library's own, under its names for programs that replace malloc().
extern "C" {
void* __libc_malloc(size_t bytes);
void* __libc_calloc(size_t count, size_t bytes);
void* __libc_realloc(void* memory, size_t bytes);
void* __libc_memalign(size_t alignment, size_t bytes);

void* malloc(size_t bytes) { return ternary::test::count_one(), __libc_malloc(bytes); }
void* calloc(size_t count, size_t bytes) { return ternary::test::count_one(), __libc_calloc(count, bytes); }
void* realloc(void* memory, size_t bytes) { return ternary::test::count_one(), __libc_realloc(memory, bytes); }
void* memalign(size_t alignment, size_t bytes) { return ternary::test::count_one(), __libc_memalign(alignment, bytes); }
void* aligned_alloc(size_t alignment, size_t bytes) {
  return ternary::test::count_one(), __libc_memalign(alignment, bytes);
}
int posix_memalign(void** memory, size_t alignment, size_t bytes) {
  ternary::test::count_one();
  *memory = __libc_memalign(alignment, bytes);
  return *memory == nullptr ? ENOMEM : 0;
}
void* mmap(void* address, size_t bytes, int protection, int flags, int file, off_t offset) {
  ternary::test::count_one();
  return reinterpret_cast<void*>(syscall(SYS_mmap, address, bytes, protection, flags, file, offset));
}
}
