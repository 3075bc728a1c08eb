/**
 * @file argument.h
 * @brief Checks of arguments; each throws a Failure that names the argument, its value and the rule.
 */
#ifndef TERNARY_CORE_BASE_ARGUMENT_H_
#define TERNARY_CORE_BASE_ARGUMENT_H_

#include <cstddef>
#include <cstdint>

#include "ternary/ternary.h"

namespace ternary {

/** Not null and aligned to `alignment`, a power of two. */
void check_pointer(const char* name, const void* pointer, int64_t alignment);

/** stride >= columns, and rows * stride * element_bytes fits in int64. */
void check_stride(const char* name, int64_t stride, int64_t columns, int64_t rows, int64_t element_bytes);

/** The two byte ranges share nothing. */
void check_no_overlap(const char* name, const void* pointer, int64_t bytes, const char* other_name, const void* other,
                      int64_t other_bytes);

/** All values finite. */
void check_finite(const char* name, const float* values, int64_t count);

/** A value of a closed set 0, 1, ...: `words` has one a value, which the sentence lists. */
void check_choice(const char* name, int value, const char* const* words, int count);

template <int count>
void check_choice(const char* name, int value, const char* const (&words)[count]) {
  check_choice(name, value, words, count);
}

/** A8 or A16. */
void check_activation(ternary_activation activation);

/** Any of the enum. */
void check_dtype(const char* name, ternary_dtype dtype);

/** One that results may be of: F32, F16 or BF16. */
void check_float_dtype(const char* name, ternary_dtype dtype);

}  // namespace ternary

#endif  // TERNARY_CORE_BASE_ARGUMENT_H_
