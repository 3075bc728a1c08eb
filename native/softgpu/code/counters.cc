#include "softgpu/code/counters.h"

#include "softgpu/code/code.h"

namespace ternary::softgpu {

void InstructionCounts::add(const InstructionCounts& other) {
  issued += other.issued;
  lanes += other.lanes;
  requests += other.requests;
  sectors += other.sectors;
  bytes += other.bytes;
  passes += other.passes;
  ideal_passes += other.ideal_passes;
  copied += other.copied;
  multiplied += other.multiplied;
}

InstructionCounts KernelCounters::total() const {
  InstructionCounts sum;
  for (const Line& line : lines) sum.add(line.counts);
  return sum;
}

std::map<std::string, uint64_t> KernelCounters::issued_by_opcode() const {
  std::map<std::string, uint64_t> sums;
  for (const Line& line : lines) {
    if (line.counts.issued) sums[line.opcode] += line.counts.issued;
  }
  return sums;
}

KernelCounters describe(const Code& code) {
  KernelCounters counters;
  counters.kernel = code.name;
  for (const Instruction& instruction : code.instructions) {
    const ptx::Instruction& source = *instruction.source;
    KernelCounters::Line line{source.line, source.text, source.opcode, {}};
    for (const std::string& modifier : source.modifiers) line.opcode += "." + modifier;
    counters.lines.push_back(std::move(line));
  }
  return counters;
}

}  // namespace ternary::softgpu
