/**
 * @file launch.h
 * @brief What is launched, and what the warps of a launch share.
 */
#ifndef TERNARY_SOFTGPU_EXEC_LAUNCH_H_
#define TERNARY_SOFTGPU_EXEC_LAUNCH_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "softgpu/code/code.h"
#include "softgpu/exec/engine_work.h"
#include "softgpu/exec/grid_order.h"
#include "softgpu/memory/aligned.h"
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
  AlignedBytes params;  ///< code->param_bytes long, laid out by code->param_offsets
  uint64_t seed = 0;
  uint64_t launch = 0;  ///< the number that Memory is told as Accessor::launch
  int host_threads = 2;
  Schedule schedule = Schedule::lazy;
  uint32_t sm_count = 132;
  uint32_t resident_ctas = 512;             ///< that are begun before any has finished, while dependencies are not met
  uint64_t step_limit = uint64_t{1} << 36;  ///< warp-instructions of the launch
};

/** What the warps of a launch share. They change it on all host threads, but for `dependencies_met`, which stays while
 *  they run. */
struct LaunchContext {
  LaunchConfig config;
  Memory& memory;
  GridOrder order;
  bool dependencies_met = false;
  std::atomic<uint64_t> launched_ctas{0};  ///< that launched dependents or ended
  std::atomic<bool> all_waited{true};
  /** Takes a cluster that has not begun out of the launch: clusterlaunchcontrol. False if there is none. */
  std::function<bool(uint32_t* number)> cancel_cluster;

  LaunchContext(LaunchConfig launched, Memory& with) : config(std::move(launched)), memory(with), order(clusters()) {}
  uint32_t clusters() const { return static_cast<uint32_t>(config.grid.count() / config.cluster.count()); }
};

}  // namespace ternary::softgpu

#endif  // TERNARY_SOFTGPU_EXEC_LAUNCH_H_
