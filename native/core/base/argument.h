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

/** A8 or A16. */
void check_activation(ternary_activation activation);

/** One of F32, F16 and BF16. */
void check_float_dtype(const char* name, ternary_dtype dtype);

}  // namespace ternary

#endif  // TERNARY_CORE_BASE_ARGUMENT_H_
