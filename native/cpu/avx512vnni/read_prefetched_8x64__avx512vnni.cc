#include "cpu/frame/limits.h"

namespace ternary::cpu {

typedef int64_t Words __attribute__((vector_size(64)));

int64_t read_prefetched_8x64__avx512vnni(const uint8_t* data, int64_t count) { return read<Words, 4096>(data, count); }

}  // namespace ternary::cpu
