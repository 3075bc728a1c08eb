#include "core/base/argument.h"

#include <cinttypes>

#include "abi/dtype.h"
#include "core/base/failure.h"

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

}  // namespace ternary
