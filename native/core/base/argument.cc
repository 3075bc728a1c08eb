#include "core/base/argument.h"

#include <cinttypes>
#include <string>

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

void check_choice(const char* name, int value, const char* const* words, int count) {
  if (value >= 0 && value < count) return;  // of C, where any int may arrive
  std::string choices;
  for (int i = 0; i < count; ++i) {
    choices += (i == 0 ? "" : i == count - 1 ? " or " : ", ") + std::to_string(i) + " (" + words[i] + ")";
  }
  fail(TERNARY_INVALID_ARGUMENT, "%s is %d; it must be %s", name, value, choices.c_str());
}

void check_activation(ternary_activation activation) {
  static constexpr const char* kWords[] = {"A8", "A16"};
  check_choice("activation", activation, kWords);
}

void check_dtype(const char* name, ternary_dtype dtype) {
  if (dtype_bytes(dtype) != 0) return;
  std::string words;
  for (const DtypeTraits& row : kDtypeTraits) words += (words.empty() ? "" : ", ") + std::string(row.name);
  fail(TERNARY_INVALID_ARGUMENT, "%s is %d; it must be 0 to %d (%s)", name, static_cast<int>(dtype), kDtypeCount - 1,
       words.c_str());
}

void check_float_dtype(const char* name, ternary_dtype dtype) {
  const int value = dtype;
  if (value >= 0 && value < kDtypeCount && kDtypeTraits[value].result) return;
  std::string choices;
  int left = 0;
  for (const DtypeTraits& row : kDtypeTraits) left += row.result;
  for (const DtypeTraits& row : kDtypeTraits) {
    if (!row.result) continue;
    --left;
    choices += std::string(row.name) + " (" + std::to_string(row.value) + ")" +
               (left > 1    ? ", "
                : left == 1 ? " or "
                            : "");
  }
  fail(TERNARY_INVALID_ARGUMENT, "%s is %d; it must be %s", name, value, choices.c_str());
}

}  // namespace ternary
