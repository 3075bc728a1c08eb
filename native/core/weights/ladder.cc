/** ternary_pack_ladder(): the packing of bitnet.cpp's GPU kernels to I2S. */
#include <cinttypes>

#include "core/base/argument.h"
#include "core/base/failure.h"
#include "core/weights/layout.h"

namespace ternary {
namespace {

constexpr int64_t kLadderRows = 16, kLadderColumns = 32, kLadderTileBytes = kLadderRows * kLadderColumns / 4;

/** The code w + 2 of weight (n, k). */
int ladder_code(const uint8_t* packed, int64_t K, int64_t n, int64_t k) {
  const int64_t tile = n / kLadderRows * (K / kLadderColumns) + k / kLadderColumns;
  const int64_t row = n % kLadderRows, column = k % kLadderColumns, e = column % 16;
  const int64_t word = 16 * (row / 8) + 8 * (column / 16) + row % 8;
  return packed[tile * kLadderTileBytes + 4 * word + e % 4] >> (2 * (e / 4)) & 3;
}

void check_multiple(const char* name, int64_t value, int64_t multiple) {
  if (value % multiple != 0) {
    fail(TERNARY_INVALID_ARGUMENT, "%s is %" PRId64 "; the ladder packing has multiples of %" PRId64, name, value,
         multiple);
  }
}

}  // namespace
}  // namespace ternary

using namespace ternary;

ternary_status ternary_pack_ladder(const uint8_t* packed, int64_t N, int64_t K, uint8_t* i2s) {
  return guarded([&] {
    check_pointer("packed", packed, 1);
    check_pointer("i2s", i2s, 1);
    check_shape(N, K);
    check_multiple("N", N, kLadderRows);
    check_multiple("K", K, kLadderColumns);
    check_no_overlap("i2s", i2s, N * K / 4, "packed", packed, N * K / 4);
    for (int64_t n = 0; n < N; ++n) {
      for (int64_t k = 0; k < K; ++k) {
        if (ladder_code(packed, K, n, k) == 0) {
          fail(TERNARY_INVALID_ARGUMENT,
               "the code of row %" PRId64 ", column %" PRId64
               " is 0; ladder codes are 1, 2 and 3 for weights -1, 0 and +1",
               n, k);
        }
      }
    }
    write_i2s(N, K, i2s, [&](int64_t n, int64_t k) { return ladder_code(packed, K, n, k) - 1; });
  });
}
