/**
 * @file environment.h
 * @brief What the environment says about the software GPU. A name or value that is not known is an error.
 */
#ifndef TERNARY_SOFTGPU_RUNTIME_ENVIRONMENT_H_
#define TERNARY_SOFTGPU_RUNTIME_ENVIRONMENT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "softgpu/exec/engine_work.h"
#include "softgpu/runtime/architecture.h"

namespace ternary::softgpu {

struct Environment {
  std::vector<Architecture> devices;  ///< one a device, SOFTGPU_ARCH and SOFTGPU_DEVICES
  bool driver_too_old = false;        ///< SOFTGPU_DRIVER=old
  uint64_t seed = 1;                  ///< SOFTGPU_SEED
  int host_threads = 2;               ///< SOFTGPU_THREADS
  bool uninitialised_reads = true;    ///< SOFTGPU_UNINITIALISED=0 lets kernels read global memory that nothing wrote
  bool races = true;                  ///< SOFTGPU_RACES=0 switches off the check between launches
  /// SOFTGPU_SCHEDULE: when the copy engines and tensor cores do their work; none: each launch draws one from the seed.
  std::optional<Schedule> schedule;
  bool exact_arithmetic = true;  ///< SOFTGPU_ARITHMETIC=any lets float instructions leave out .rn, see Rules
  bool leaks = false;            ///< SOFTGPU_LEAKS=1 reports at exit what was not freed
  bool host_memory = false;      ///< SOFTGPU_HOST_MEMORY=1 lets kernels use ordinary host memory
};

/** Throws std::invalid_argument. */
Environment read_environment();

}  // namespace ternary::softgpu

#endif  // TERNARY_SOFTGPU_RUNTIME_ENVIRONMENT_H_
