#include "core/base/argument.h"

#include <cinttypes>

#include "abi/dtype.h"
#include "core/base/failure.h"
#include "core/weights/layout.h"

namespace ternary {

void check_pointer(const char* name, const void* pointer, int64_t alignment) {
  if (pointer == nullptr) fail(TERNARY_INVALID_ARGUMENT, "%s is null", name);
  if ((reinterpret_cast<uintptr_t>(pointer) & static_cast<uintptr_t>(alignment - 1)) != 0) {
    fail(TERNARY_INVALID_ARGUMENT, "%s is at address %p; it must be a multiple of %" PRId64 " bytes", name, pointer,
         alignment);
  }
}

void check_stride(const char* name, int64_t stride, int64_t columns, int64_t rows, int64_t element_bytes) {
  if (stride < columns) {
    fail(TERNARY_INVALID_ARGUMENT, "%s is %" PRId64 "; it must be at least the row's %" PRId64 " elements", name,
         stride, columns);
  }
  int64_t bytes;
  if (__builtin_mul_overflow(stride, rows, &bytes) || __builtin_mul_overflow(bytes, element_bytes, &bytes)) {
    fail(TERNARY_INVALID_ARGUMENT, "%s is %" PRId64 "; %" PRId64 " rows of it overflow 2^63 bytes", name, stride, rows);
  }
}

void check_no_overlap(const char* name, const void* pointer, int64_t bytes, const char* other_name, const void* other,
                      int64_t other_bytes) {
  const uintptr_t a = reinterpret_cast<uintptr_t>(pointer), b = reinterpret_cast<uintptr_t>(other);
  if (a < b + static_cast<uintptr_t>(other_bytes) && b < a + static_cast<uintptr_t>(bytes)) {
    fail(TERNARY_INVALID_ARGUMENT, "%s (%" PRId64 " bytes at %p) overlaps %s (%" PRId64 " bytes at %p)", name, bytes,
         pointer, other_name, other_bytes, other);
  }
}

void check_finite(const char* name, const float* values, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    if (!is_finite(values[i])) {
      fail(TERNARY_INVALID_ARGUMENT, "%s[%" PRId64 "] is %g; it must be finite", name, i,
           static_cast<double>(values[i]));
    }
  }
}

void check_activation(ternary_activation activation) {
  if (activation != TERNARY_A8 && activation != TERNARY_A16) {
    fail(TERNARY_INVALID_ARGUMENT, "activation is %d; it must be 0 (A8) or 1 (A16)", static_cast<int>(activation));
  }
}

void check_float_dtype(const char* name, ternary_dtype dtype) {
  if (dtype != TERNARY_F32 && dtype != TERNARY_F16 && dtype != TERNARY_BF16) {
    fail(TERNARY_INVALID_ARGUMENT, "%s is %d; it must be F32 (0), F16 (1) or BF16 (2)", name, static_cast<int>(dtype));
  }
}

void check_alpha_kind(ternary_alpha_kind kind, int64_t group) {
  if (kind < TERNARY_ALPHA_TENSOR || kind > TERNARY_ALPHA_GROUP) {
    fail(TERNARY_INVALID_ARGUMENT, "alpha kind is %d; it must be 0 (tensor), 1 (row), 2 (column) or 3 (group)",
         static_cast<int>(kind));
  }
  if (kind == TERNARY_ALPHA_GROUP ? group < 32 || group % 32 != 0 || group > round_up(kMaxK, 32) : group != 0) {
    fail(TERNARY_INVALID_ARGUMENT,
         "group is %" PRId64
         "; it must be a multiple of 32 up to 2^24 for alpha per group, "
         "and 0 otherwise",
         group);
  }
}

void check_limit(ternary_limit limit, int64_t threads, int64_t most_threads, int64_t bytes, int64_t nanoseconds) {
  if (limit < TERNARY_LIMIT_READ || limit > TERNARY_LIMIT_TILE_LOADS) {
    fail(TERNARY_INVALID_ARGUMENT, "limit is %d; it must be 0 (read), 1 (int8 peak) or 2 (tile loads)",
         static_cast<int>(limit));
  }
  if (threads < 1 || threads > most_threads) {
    fail(TERNARY_INVALID_ARGUMENT, "threads is %" PRId64 "; it must be 1 to the runtime's %" PRId64, threads,
         most_threads);
  }
  constexpr int64_t kMostBytes = int64_t{1} << 40, kMostNanoseconds = 10000000000;
  if (limit != TERNARY_LIMIT_READ ? bytes != 0
                                  : bytes < 1 || bytes > kMostBytes || bytes % (threads * kLimitAlignment) != 0) {
    fail(TERNARY_INVALID_ARGUMENT,
         "bytes is %" PRId64 "; it must be a multiple of %" PRId64
         " a thread up to 2^40 for the "
         "limit read, and 0 for others",
         bytes, kLimitAlignment);
  }
  if (nanoseconds < 1 || nanoseconds > kMostNanoseconds) {
    fail(TERNARY_INVALID_ARGUMENT, "nanoseconds is %" PRId64 "; it must be 1 to 10^10", nanoseconds);
  }
}

}  // namespace ternary
