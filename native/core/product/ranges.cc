#include "core/product/ranges.h"

#include "abi/dtype.h"
#include "core/base/argument.h"

namespace ternary {

Range vector_range(const char* name, const float* pointer, int64_t count) {
  return {name, pointer, count * static_cast<int64_t>(sizeof(float))};
}

Range matrix_range(const char* name, const void* pointer, ternary_dtype dtype, int64_t rows, int64_t columns,
                   int64_t ld) {
  return {name, pointer, ((rows - 1) * ld + columns) * dtype_bytes(dtype)};
}

void check_apart(const Range& output, const Range* inputs, int count) {
  for (int i = 0; i < count; ++i) {
    if (output.pointer == nullptr || inputs[i].pointer == nullptr) continue;
    check_no_overlap(output.name, output.pointer, output.bytes, inputs[i].name, inputs[i].pointer, inputs[i].bytes);
  }
}

void check_matrix(const char* name, const char* ld_name, const void* pointer, ternary_dtype dtype, int64_t rows,
                  int64_t columns, int64_t ld) {
  check_pointer(name, pointer, dtype_bytes(dtype));
  check_stride(ld_name, ld, columns, rows, dtype_bytes(dtype));
}

void check_vector(const char* name, const float* pointer) {
  if (pointer != nullptr) check_pointer(name, pointer, alignof(float));
}

}  // namespace ternary
