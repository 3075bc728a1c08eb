#include "softgpu/exec/counters.h"

namespace ternary::softgpu {

void InstructionCounts::add(const InstructionCounts& other) {
  issued += other.issued;
  lanes += other.lanes;
  requests += other.requests;
  sectors += other.sectors;
  bytes += other.bytes;
  passes += other.passes;
  ideal_passes += other.ideal_passes;
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

}  // namespace ternary::softgpu
