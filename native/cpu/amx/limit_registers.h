/**
 * @file limit_registers.h
 * @brief Two by two tile registers of sums, as in the product's kernel, for the loops that measure AMX.
 */
#ifndef TERNARY_CPU_AMX_LIMIT_REGISTERS_H_
#define TERNARY_CPU_AMX_LIMIT_REGISTERS_H_

#include <immintrin.h>

#include <cstring>

#include "cpu/frame/limits.h"

namespace ternary::cpu {
namespace {

constexpr int kRegisterRowBytes = 64;
constexpr int64_t kRegisterBytes = 1024;
/** The operands are half X, half W: so many pairs of tile registers each. */
constexpr int64_t kPairs = kLimitOperandBytes / kRegisterBytes / 4;

/** Operand of ldtilecfg: eight full tile registers. Static, as in the product's kernel (GCC 12's _tile_loadconfig). */
struct alignas(64) FullRegisters {
  uint8_t palette = 1, start_row = 0, reserved[14] = {};
  uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};
constexpr FullRegisters kFullRegisters = {};

/** Sums are registers 0 to 3, X is 4 and 5, W 6 and 7. All begin as zeros. */
inline void begin_registers() {
  alignas(64) static const uint8_t zeros[kRegisterBytes] = {};
  _tile_loadconfig(&kFullRegisters);
  _tile_loadd(0, zeros, kRegisterRowBytes);
  _tile_loadd(1, zeros, kRegisterRowBytes);
  _tile_loadd(2, zeros, kRegisterRowBytes);
  _tile_loadd(3, zeros, kRegisterRowBytes);
}

/** Adds up the sums, each product having been 1 * 1, and releases the registers. */
inline int64_t end_registers() {
  alignas(64) int32_t sums[4][kRegisterBytes / 4];
  _tile_stored(0, sums[0], kRegisterRowBytes);
  _tile_stored(1, sums[1], kRegisterRowBytes);
  _tile_stored(2, sums[2], kRegisterRowBytes);
  _tile_stored(3, sums[3], kRegisterRowBytes);
  __asm__ volatile("" ::: "memory");  // GCC's stores of registers do not say that they write
  _tile_release();
  int64_t products = 0;
  for (const auto& of_register : sums) {
    for (const int32_t sum : of_register) products += sum;
  }
  return products;
}

/** `count` steps over the operands; Step::run(x, w) loads two registers at x, two at w, and multiplies each by each. */
template <class Step>
int64_t tile_loads(const uint8_t* operands, int64_t count) {
  begin_registers();
  const uint8_t* w = operands + kLimitOperandBytes / 2;
  for (int64_t step = 0; step < count; ++step) {
    const int64_t at = step % kPairs * 2 * kRegisterBytes;
    Step::run(operands + at, w + at);
  }
  return end_registers();
}

}  // namespace
}  // namespace ternary::cpu

#endif  // TERNARY_CPU_AMX_LIMIT_REGISTERS_H_
