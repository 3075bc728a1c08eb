/**
 * @file counters.h
 * @brief What a launch did, by instruction of the PTX; sums by opcode and line follow from it.
 */
#ifndef TERNARY_SOFTGPU_CODE_COUNTERS_H_
#define TERNARY_SOFTGPU_CODE_COUNTERS_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace ternary::softgpu {

/** Of one instruction, over all warps. */
struct InstructionCounts {
  uint64_t issued = 0;        ///< warp-instructions, predicated-off ones included
  uint64_t lanes = 0;         ///< lanes that executed
  uint64_t requests = 0;      ///< global, const or local accesses of a warp
  uint64_t sectors = 0;       ///< 32-byte sectors that they touched
  uint64_t bytes = 0;         ///< bytes that lanes asked for
  uint64_t passes = 0;        ///< of shared memory's banks
  uint64_t ideal_passes = 0;  ///< had there been no conflict
  uint64_t copied = 0;        ///< bytes of global memory that copy engines read or wrote
  uint64_t multiplied = 0;    ///< products of two elements by tcgen05.mma

  void add(const InstructionCounts& other);
};

/** Of one launch. */
struct KernelCounters {
  std::string kernel;
  struct Line {
    int line;  ///< of the PTX text
    std::string text;
    std::string opcode;  ///< with modifiers
    InstructionCounts counts;
  };
  std::vector<Line> lines;  ///< in the order of the code
  uint64_t ctas = 0;

  InstructionCounts total() const;
  /** Issues by opcode with its modifiers: "mad.lo.s32". */
  std::map<std::string, uint64_t> issued_by_opcode() const;
};

struct Code;
/** The lines of a kernel, with counts of zero. */
KernelCounters describe(const Code& code);

}  // namespace ternary::softgpu

#endif  // TERNARY_SOFTGPU_CODE_COUNTERS_H_
