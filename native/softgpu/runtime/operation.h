/**
 * @file operation.h
 * @brief What is enqueued on a stream: a launch, a copy, a mark. Operations form a graph of what needs what.
 */
#ifndef TERNARY_SOFTGPU_RUNTIME_OPERATION_H_
#define TERNARY_SOFTGPU_RUNTIME_OPERATION_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "softgpu/exec/grid.h"
#include "softgpu/memory/access_log.h"
#include "softgpu/memory/device_memory.h"
#include "softgpu/memory/history.h"

namespace ternary::softgpu {

/** A launch of a kernel, as a call or a node of a graph has it. */
struct Launch {
  const Code* code = nullptr;
  Dim3 grid, block, cluster;
  uint32_t dynamic_shared_bytes = 0;
  std::vector<uint8_t> params;
  bool programmatic = false;  ///< programmatic stream serialisation was asked for
};

/** What an operation does; immutable, shared by all replays of a graph. */
struct Work {
  std::string what;  ///< "kernel gemv", "cudaMemcpyAsync"
  int device = 0;
  bool is_kernel = false;
  Launch launch;  ///< of a kernel
  /** Of anything else; notes what it touches. Null: a mark. */
  std::function<void(DeviceMemory& memory, AccessLog& log)> run;
};
using WorkRef = std::shared_ptr<const Work>;

struct Operation;
using OperationRef = std::shared_ptr<Operation>;

struct Operation {
  WorkRef work;
  uint64_t number = 0;              ///< among all, for LaunchConfig::launch
  std::vector<OperationRef> needs;  ///< to be complete first; emptied when this one is complete
  OperationRef overtakes;           ///< of `needs`: a launch that this one waits for only at its griddepcontrol.wait
  std::vector<Operation*> dependents;
  size_t open_needs = 0;  ///< of `needs`, how many are not complete
  bool complete = false;
  double completed_at = 0;  ///< seconds on a clock that only rises

  // Places in the order: `early` is the part of a launch before its griddepcontrol.wait.
  Moment early, main;
  History host;  ///< what the host had waited for when it enqueued this
  History early_before, before, after;
  bool begun_early = false;
  bool let_dependents_start_early = false;  ///< all CTAs executed launch_dependents before they waited
  std::unique_ptr<Grid> grid;
};

}  // namespace ternary::softgpu

#endif  // TERNARY_SOFTGPU_RUNTIME_OPERATION_H_
