/**
 * @file ranges.h
 * @brief The rules that every matrix and vector of operands keeps: their own, and that outputs lie apart.
 */
#ifndef TERNARY_CORE_PRODUCT_RANGES_H_
#define TERNARY_CORE_PRODUCT_RANGES_H_

#include <cstdint>

#include "ternary/ternary.h"

namespace ternary {

/** A named range of memory; empty if the pointer is null. */
struct Range {
  const char* name;
  const void* pointer;
  int64_t bytes;
};

Range vector_range(const char* name, const float* pointer, int64_t count);
Range matrix_range(const char* name, const void* pointer, ternary_dtype dtype, int64_t rows, int64_t columns,
                   int64_t ld);

/** An output lies apart from each of these. */
void check_apart(const Range& output, const Range* inputs, int count);

/** Not null, aligned to its type, with a stride that holds its columns. */
void check_matrix(const char* name, const char* ld_name, const void* pointer, ternary_dtype dtype, int64_t rows,
                  int64_t columns, int64_t ld);

/** Null, or aligned. */
void check_vector(const char* name, const float* pointer);

}  // namespace ternary

#endif  // TERNARY_CORE_PRODUCT_RANGES_H_
