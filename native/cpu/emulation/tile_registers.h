/**
 * @file tile_registers.h
 * @brief For tests: AMX's tile registers. Whatever the processor would raise a fault for ends the process with a
 *        sentence.
 */
#ifndef TERNARY_CPU_EMULATION_TILE_REGISTERS_H_
#define TERNARY_CPU_EMULATION_TILE_REGISTERS_H_

#include <cstdint>

namespace ternary::cpu {

/** Prints to stderr and aborts. */
[[noreturn]] void fault(const char* what);

void load_tile_config(const void* config);
void release_registers();
void load_register(int number, const void* base, long stride);
void store_register(int number, void* base, long stride);
/** tdpbsud: sums += a (signed bytes) * b (unsigned bytes). */
void multiply_registers(int sums, int a, int b);

}  // namespace ternary::cpu

#undef _tile_loadconfig
#undef _tile_release
#undef _tile_loadd
#undef _tile_stored
#undef _tile_dpbsud
#define _tile_loadconfig load_tile_config
#define _tile_release release_registers
#define _tile_loadd load_register
#define _tile_stored store_register
#define _tile_dpbsud multiply_registers

#endif  // TERNARY_CPU_EMULATION_TILE_REGISTERS_H_
