#include "cpu/emulation/tile_registers.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace ternary::cpu {
namespace {

constexpr int kRegisters = 8, kMostRows = 16, kMostBytes = 64;  // palette 1

struct TileRegister {
  int rows, row_bytes;
  uint8_t data[kMostRows][kMostBytes];
};

struct RegisterState {
  bool configured;
  TileRegister registers[kRegisters];
};

thread_local RegisterState state;

TileRegister& register_at(int number) {
  if (!state.configured) fault("a tile instruction without a tile configuration");
  if (number < 0 || number >= kRegisters) fault("no such tile");
  if (state.registers[number].rows == 0) fault("a tile that the configuration leaves out");
  return state.registers[number];
}

int32_t dot(const uint8_t* a, const uint8_t* b) {
  int32_t sum = 0;
  for (int i = 0; i < 4; ++i) sum += static_cast<int8_t>(a[i]) * b[i];
  return sum;
}

}  // namespace

void fault(const char* what) {
  std::fprintf(stderr, "emulated processor: %s\n", what);
  std::abort();
}

void load_tile_config(const void* config) {
  uint8_t bytes[64];
  std::memcpy(bytes, config, sizeof bytes);
  state = RegisterState();
  if (bytes[0] == 0) return;
  if (bytes[0] != 1) fault("ldtilecfg: palette");
  for (int i = 2; i < 16; ++i) {
    if (bytes[i]) fault("ldtilecfg: reserved bytes");
  }
  for (int i = 0; i < 16; ++i) {
    uint16_t row_bytes;
    std::memcpy(&row_bytes, bytes + 16 + 2 * i, sizeof row_bytes);
    const uint8_t rows = bytes[48 + i];
    if (row_bytes > kMostBytes || rows > kMostRows || (i >= kRegisters && (rows || row_bytes)))
      fault("ldtilecfg: tile size");
    if ((rows == 0) != (row_bytes == 0)) fault("ldtilecfg: a tile half left out");
    if (i >= kRegisters) continue;
    state.registers[i].rows = rows;
    state.registers[i].row_bytes = row_bytes;
  }
  state.configured = true;
}

void release_registers() { state = RegisterState(); }

void load_register(int number, const void* base, long stride) {
  TileRegister& target = register_at(number);
  std::memset(target.data, 0, sizeof target.data);
  for (int row = 0; row < target.rows; ++row) {
    std::memcpy(target.data[row], static_cast<const uint8_t*>(base) + row * stride,
                static_cast<size_t>(target.row_bytes));
  }
}

void store_register(int number, void* base, long stride) {
  const TileRegister& source = register_at(number);
  for (int row = 0; row < source.rows; ++row) {
    std::memcpy(static_cast<uint8_t*>(base) + row * stride, source.data[row], static_cast<size_t>(source.row_bytes));
  }
}

void multiply_registers(int sums, int a, int b) {
  if (sums == a || sums == b || a == b) fault("tdpbsud: one tile twice");
  TileRegister& result = register_at(sums);
  const TileRegister &left = register_at(a), &right = register_at(b);
  if (result.rows != left.rows || result.row_bytes != right.row_bytes || left.row_bytes != 4 * right.rows ||
      result.row_bytes % 4 != 0) {
    fault("tdpbsud: sizes do not match");
  }
  for (int m = 0; m < result.rows; ++m) {
    for (int k = 0; k < right.rows; ++k) {
      for (int n = 0; n < result.row_bytes / 4; ++n) {
        uint32_t sum;
        std::memcpy(&sum, result.data[m] + 4 * n, sizeof sum);
        sum += static_cast<uint32_t>(dot(left.data[m] + 4 * k, right.data[k] + 4 * n));
        std::memcpy(result.data[m] + 4 * n, &sum, sizeof sum);
      }
    }
  }
}

}  // namespace ternary::cpu
