/**
 * @file grid.h
 * @brief A launch: CTAs in an order made from a seed, executed by two host threads until done, faulted or waiting.
 */
#ifndef TERNARY_SOFTGPU_EXEC_GRID_H_
#define TERNARY_SOFTGPU_EXEC_GRID_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "softgpu/code/code.h"
#include "softgpu/code/counters.h"
#include "softgpu/code/fault.h"
#include "softgpu/memory/memory.h"

namespace ternary::softgpu {

struct Dim3 {
  uint32_t x = 1, y = 1, z = 1;
  uint64_t count() const { return uint64_t{x} * y * z; }
};

struct LaunchConfig {
  const Code* code = nullptr;
  Dim3 grid, block, cluster;
  uint32_t dynamic_shared_bytes = 0;
  std::vector<uint8_t> params;  ///< code->param_bytes long, laid out by code->param_offsets
  uint64_t seed = 0;
  uint64_t launch = 0;  ///< the number that Memory is told as Accessor::launch
  int host_threads = 2;
  uint32_t sm_count = 132;
  uint32_t resident_ctas = 512;             ///< that are begun before any has finished, while dependencies are not met
  uint64_t step_limit = uint64_t{1} << 36;  ///< warp-instructions of the launch
};

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

  /** Every thread executed griddepcontrol.wait before it exited. */
  bool all_waited() const;

  /** When faulted: the first fault. */
  const FaultReport& fault() const;
  /** Complete when finished. */
  KernelCounters counters() const;
  /** Adds the counts of each instruction of the code to `sums`, which gets as many: counters() without its texts. */
  void add_counts(std::vector<InstructionCounts>* sums) const;
  const LaunchConfig& config() const;

  struct State;
  State& internals() { return *state_; }

 private:
  std::unique_ptr<State> state_;
};

}  // namespace ternary::softgpu

#endif  // TERNARY_SOFTGPU_EXEC_GRID_H_
