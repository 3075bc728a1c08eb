// The first row of sums is multiplied while the second register of X is loaded: the order of the product's kernel.

#include "cpu/amx/limit_registers.h"

namespace ternary::cpu {
namespace {

struct Step {
  static void run(const uint8_t* x, const uint8_t* w) {
    _tile_loadd(4, x, kRegisterRowBytes);
    _tile_loadd(6, w, kRegisterRowBytes);
    _tile_loadd(7, w + kRegisterBytes, kRegisterRowBytes);
    _tile_dpbsud(0, 4, 6);
    _tile_dpbsud(1, 4, 7);
    _tile_loadd(5, x + kRegisterBytes, kRegisterRowBytes);
    _tile_dpbsud(2, 5, 6);
    _tile_dpbsud(3, 5, 7);
  }
};

}  // namespace

int64_t tile_loads_x_w_w_x_32x32__amx(const uint8_t* data, int64_t count) { return tile_loads<Step>(data, count); }

}  // namespace ternary::cpu
