// Operands that stay in their registers: no product can do without loading them, so this is a bound, not a goal.

#include "cpu/amx/limit_registers.h"

namespace ternary::cpu {

int64_t int8_peak_32x32__amx(const uint8_t*, int64_t count) {
  alignas(64) uint8_t ones[kRegisterBytes];
  std::memset(ones, 1, sizeof ones);
  __asm__ volatile("" ::: "memory");
  begin_registers();
  _tile_loadd(4, ones, kRegisterRowBytes);
  _tile_loadd(5, ones, kRegisterRowBytes);
  _tile_loadd(6, ones, kRegisterRowBytes);
  _tile_loadd(7, ones, kRegisterRowBytes);
  for (int64_t step = 0; step < count; ++step) {
    _tile_dpbsud(0, 4, 6);
    _tile_dpbsud(1, 4, 7);
    _tile_dpbsud(2, 5, 6);
    _tile_dpbsud(3, 5, 7);
  }
  return end_registers();
}

}  // namespace ternary::cpu
