/**
 * @file architecture.h
 * @brief Compute capabilities, and which PTX a device may run.
 */
#ifndef TERNARY_SOFTGPU_RUNTIME_ARCHITECTURE_H_
#define TERNARY_SOFTGPU_RUNTIME_ARCHITECTURE_H_

#include <string>

namespace ternary::softgpu {

/** A compute capability, and for PTX what kind of features it may use. */
struct Architecture {
  int major = 0;
  int minor = 0;
  char suffix = 0;  ///< 0: every later device runs it; 'f': later devices of the family; 'a': this device only

  int number() const { return 10 * major + minor; }
};

/** "80", "90a", "100f", also with a "sm_" or "compute_" before it. Throws std::invalid_argument. */
Architecture parse_architecture(const std::string& text);
/** "sm_90a" */
std::string name_of(const Architecture& architecture);

/** Whether a device may run PTX made for `ptx`: the rules of the driver (PTX ISA, .target). */
bool runs_on(const Architecture& ptx, const Architecture& device);

/** Of two kinds of PTX that a device may run: whether `a` suits it better, i.e. may use more of it. */
bool better_than(const Architecture& a, const Architecture& b);

}  // namespace ternary::softgpu

#endif  // TERNARY_SOFTGPU_RUNTIME_ARCHITECTURE_H_
