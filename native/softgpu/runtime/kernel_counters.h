/**
 * @file kernel_counters.h
 * @brief What the launches of each kernel did, summed until a test resets it.
 */
#ifndef TERNARY_SOFTGPU_RUNTIME_KERNEL_COUNTERS_H_
#define TERNARY_SOFTGPU_RUNTIME_KERNEL_COUNTERS_H_

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "softgpu/code/counters.h"
#include "softgpu/exec/grid.h"

namespace ternary::softgpu {

/** Sums over the launches of one kernel. */
struct KernelSum {
  std::string kernel;  ///< mangled
  uint64_t launches = 0;
  uint64_t ctas = 0;
  std::vector<InstructionCounts> counts;  ///< by instruction
};

/** What softgpu.h says of a launch that has ended. */
struct EndedLaunch {
  std::string kernel;  ///< mangled
  Dim3 grid, cluster;
  bool programmatic, began_early, let_dependents_start;
};

/** Adding a launch costs no texts, which for small launches took longer than to execute them. */
class KernelCounterTable {
 public:
  void add(const Grid& launch);
  /** To the list of launches, in which the last are kept. */
  void list(EndedLaunch launch);
  const std::deque<EndedLaunch>& launches() const { return launches_; }
  void reset();
  /** The kernels whose names contain `part`, with the sums of their launches in `launches`. */
  std::vector<KernelCounters> like(const std::string& part, uint64_t* launches) const;
  /** To be called before the code goes: what was counted stays, as text. */
  void forget_code();

 private:
  std::map<const Code*, KernelSum> kernels_;
  std::vector<std::pair<KernelCounters, uint64_t>> described_;
  std::deque<EndedLaunch> launches_;
};

}  // namespace ternary::softgpu

#endif  // TERNARY_SOFTGPU_RUNTIME_KERNEL_COUNTERS_H_
