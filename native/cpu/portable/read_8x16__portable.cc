#include "cpu/frame/limits.h"

namespace ternary::cpu {

typedef int64_t Words __attribute__((vector_size(16)));

int64_t read_8x16__portable(const uint8_t* data, int64_t count) { return read<Words, 0>(data, count); }

}  // namespace ternary::cpu
