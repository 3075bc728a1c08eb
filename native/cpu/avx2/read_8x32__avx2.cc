#include "cpu/frame/limits.h"

namespace ternary::cpu {

typedef int64_t Words __attribute__((vector_size(32)));

int64_t read_8x32__avx2(const uint8_t* data, int64_t count) { return read<Words, 0>(data, count); }

}  // namespace ternary::cpu
