/**
 * @file kernel_counters.h
 * @brief What the launches of each kernel did, summed until a test resets it.
 */
#ifndef TERNARY_SOFTGPU_RUNTIME_KERNEL_COUNTERS_H_
#define TERNARY_SOFTGPU_RUNTIME_KERNEL_COUNTERS_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "softgpu/exec/counters.h"

namespace ternary::softgpu {

/** Sums over the launches of one kernel. */
struct KernelSum {
  uint64_t launches = 0;
  KernelCounters counters;
};

class KernelCounterTable {
 public:
  void add(const KernelCounters& launch);
  void reset() { kernels_.clear(); }
  /** By the kernel's mangled name. */
  const std::map<std::string, KernelSum>& kernels() const { return kernels_; }

 private:
  std::map<std::string, KernelSum> kernels_;
};

}  // namespace ternary::softgpu

#endif  // TERNARY_SOFTGPU_RUNTIME_KERNEL_COUNTERS_H_
