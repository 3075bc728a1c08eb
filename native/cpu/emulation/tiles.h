/**
 * @file tiles.h
 * @brief For tests: AMX's tile registers. Whatever the processor would raise a fault for ends the process with a
 *        sentence.
 */
#ifndef TERNARY_CPU_EMULATION_TILES_H_
#define TERNARY_CPU_EMULATION_TILES_H_

#include <cstdint>

namespace ternary::cpu {

/** Prints to stderr and aborts. */
[[noreturn]] void fault(const char* what);

void load_tile_config(const void* config);
void release_tiles();
void load_tile(int tile, const void* base, long stride);
void store_tile(int tile, void* base, long stride);
/** tdpbsud: sums += a (signed bytes) * b (unsigned bytes). */
void multiply_tiles(int sums, int a, int b);

}  // namespace ternary::cpu

#undef _tile_loadconfig
#undef _tile_release
#undef _tile_loadd
#undef _tile_stored
#undef _tile_dpbsud
#define _tile_loadconfig load_tile_config
#define _tile_release release_tiles
#define _tile_loadd load_tile
#define _tile_stored store_tile
#define _tile_dpbsud multiply_tiles

#endif  // TERNARY_CPU_EMULATION_TILES_H_
