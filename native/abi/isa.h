/**
 * @file isa.h
 * @brief Instruction sets and which of them imply which, from isas.inc.
 */
#ifndef TERNARY_ABI_ISA_H_
#define TERNARY_ABI_ISA_H_

#include <cstdint>

namespace ternary {

/** In the order of isas.inc: of two that a machine has, the later is preferred. */
enum class Isa : uint8_t {
#define ISA(name, implied, flags) name,
#include "abi/isas.inc"
#undef ISA
};

inline constexpr const char* kIsaNames[] = {
#define ISA(name, implied, flags) #name,
#include "abi/isas.inc"
#undef ISA
};
inline constexpr int kIsaCount = sizeof kIsaNames / sizeof kIsaNames[0];

/** A set of instruction sets: bit i is the i-th of isas.inc. */
using IsaSet = uint32_t;
static_assert(kIsaCount <= 32);

/** Each instruction set with all that it implies, by name: a row finds only those above it. */
namespace isa_closure {
inline constexpr IsaSet none = 0;
#define ISA(name, implied, flags) inline constexpr IsaSet name = IsaSet{1} << static_cast<int>(Isa::name) | (implied);
#include "abi/isas.inc"
#undef ISA
}  // namespace isa_closure

/** The same by value. */
inline constexpr IsaSet kIsaClosures[] = {
#define ISA(name, implied, flags) isa_closure::name,
#include "abi/isas.inc"
#undef ISA
};

/** Whether a machine that has `isa` has `other`, which may be `isa` itself. */
inline constexpr bool implies(Isa isa, Isa other) {
  return (kIsaClosures[static_cast<int>(isa)] >> static_cast<int>(other) & 1) != 0;
}

inline constexpr const char* isa_name(Isa isa) { return kIsaNames[static_cast<int>(isa)]; }

}  // namespace ternary

#endif  // TERNARY_ABI_ISA_H_
