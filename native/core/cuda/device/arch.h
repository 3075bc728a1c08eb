/**
 * @file arch.h
 * @brief Which library of kernels a GPU runs: a rule from its compute capability, and nothing else.
 */
#ifndef TERNARY_CORE_CUDA_DEVICE_ARCH_H_
#define TERNARY_CORE_CUDA_DEVICE_ARCH_H_

#include <string>
#include <vector>

namespace ternary {

/** Every architecture that a library is made for which names none of its own in cuda_libraries.inc, oldest first. */
inline constexpr const char* kCudaArchs[] = {"sm80", "sm89", "sm90a", "sm100f", "sm103a", "sm120f"};

/**
 * Whether machine code of an architecture runs on a device: code of 8.x on 8.y for y >= x, code of an `f` likewise on its
 * family, code of an `a` on that capability alone. The libraries carry PTX too, but compiling that takes seconds and gives
 * code that nobody has looked at: only a device that was asked for by name gets it, and only kCudaPtxArch's.
 */
bool runs_cuda_arch(int major, int minor, const std::string& arch);

/**
 * Those of `archs`, oldest first, whose machine code runs on a device, best first; empty if none does. Of kCudaArchs:
 *   8.0, 8.6, 8.7  sm80
 *   8.9            sm89, sm80
 *   9.0            sm90a
 *   10.0           sm100f
 *   10.3           sm103a, sm100f
 *   12.0, 12.1     sm120f
 * Of a capability 10.x that is not listed it is tried whether it belongs to sm100f's family.
 */
std::vector<std::string> cuda_archs_for(int major, int minor, const std::vector<std::string>& archs);

/** The architecture whose PTX every later device can be given: that of `a` and `f` does not port. */
inline constexpr const char* kCudaPtxArch = "sm80";

}  // namespace ternary

#endif  // TERNARY_CORE_CUDA_DEVICE_ARCH_H_
