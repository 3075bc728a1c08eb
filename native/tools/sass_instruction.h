/**
 * @file sass_instruction.h
 * @brief An instruction of a kernel's machine code, and what its name says.
 */
#ifndef TERNARY_TOOLS_SASS_INSTRUCTION_H_
#define TERNARY_TOOLS_SASS_INSTRUCTION_H_

#include <cstdint>
#include <string>
#include <vector>

namespace ternary::test {

inline bool has(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }
inline bool begins(const std::string& text, const char* start) { return text.rfind(start, 0) == 0; }

struct Instruction {
  uint64_t address;
  std::string guard, name, operands;  ///< "@!P0", empty if there is none; "LDG.E.NA.128"; " R4, desc[UR8][R2.64]"

  /** mma.sync, and tcgen05.mma: UTCHMMA of bf16, UTCIMMA of int8. */
  bool is_tensor() const {
    return begins(name, "IMMA") || begins(name, "HMMA") || begins(name, "OMMA") || begins(name, "QMMA") ||
           (begins(name, "UTC") && has(name, "MMA"));
  }
  /** Of codes and q. dp4a of signed bytes adds up q. */
  bool is_product() const { return is_tensor() || begins(name, "IDP.4A.U8"); }

  /** A load of 16 bytes or more from global memory to registers: counted in 16 bytes. */
  int wide_loads() const {
    if (!begins(name, "LDG.")) return 0;
    return has(name, ".256") ? 2 : has(name, ".128") ? 1 : 0;
  }
  /** cp.async, from global to shared memory. */
  bool is_copy() const { return begins(name, "LDGSTS"); }
  int wide_copies() const { return is_copy() && has(name, ".128") ? 1 : 0; }
  /** To the second-level cache. */
  bool is_prefetch() const { return begins(name, "CCTL") && has(name, ".PF2"); }
};
using Instructions = std::vector<Instruction>;

}  // namespace ternary::test

#endif  // TERNARY_TOOLS_SASS_INSTRUCTION_H_
