/**
 * @file grid.h
 * @brief A launch: CTAs in an order made from a seed, executed by two host threads until done, faulted or waiting.
 */
#ifndef TERNARY_SOFTGPU_EXEC_GRID_H_
#define TERNARY_SOFTGPU_EXEC_GRID_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "softgpu/code/counters.h"
#include "softgpu/code/fault.h"
#include "softgpu/exec/launch.h"

namespace ternary::softgpu {

enum class GridState : uint8_t {
  ready,    ///< run() has not been called
  waiting,  ///< every resident warp waits at griddepcontrol.wait (or has nothing to do until others pass it)
  finished,
  faulted
};

class Grid {
 public:
  /** Checks the configuration against the code's requirements (.reqntid, .maxntid, params). Throws Fault (illegal). */
  Grid(LaunchConfig config, Memory& memory);
  ~Grid();
  Grid(const Grid&) = delete;

  /** Executes until finished, faulted, or waiting if `dependencies_met` is false. May be called again when waiting. */
  GridState run(bool dependencies_met);
  GridState state() const;

  /** All CTAs have executed griddepcontrol.launch_dependents or finished: a programmatic dependent may start. False
   *  while run() has not begun all CTAs. */
  bool launched_dependents() const;

  /** A thread of every CTA executed griddepcontrol.wait. */
  bool all_waited() const;

  /** When faulted: the first fault. */
  const FaultReport& fault() const;
  /** Complete when finished. */
  KernelCounters counters() const;
  /** Adds the counts of each instruction of the code to `sums`, which gets as many: counters() without its texts. */
  void add_counts(std::vector<InstructionCounts>* sums) const;
  const LaunchConfig& config() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ternary::softgpu

#endif  // TERNARY_SOFTGPU_EXEC_GRID_H_
