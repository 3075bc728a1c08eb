/**
 * @file launches.h
 * @brief How kernels were launched, as the software GPU saw it.
 */
#ifndef TERNARY_TESTS_SUPPORT_CUDA_LAUNCHES_H_
#define TERNARY_TESTS_SUPPORT_CUDA_LAUNCHES_H_

#include <dlfcn.h>

#include <string>
#include <vector>

#include "softgpu/softgpu.h"

namespace ternary::test {

struct SeenLaunch {
  std::string kernel;
  uint32_t cluster;
  bool programmatic, began_early, let_dependents_start;
};

/** seen_launches() starts anew. */
inline void forget_launches() {
  void* reset = dlsym(RTLD_DEFAULT, "softgpu_reset_counters");
  if (reset != nullptr) reinterpret_cast<decltype(softgpu_reset_counters)*>(reset)();
}

/** Launches since forget_launches(), in the order of their stream; none on a GPU, which does not tell. */
inline std::vector<SeenLaunch> seen_launches() {
  std::vector<SeenLaunch> seen;
  void* visit = dlsym(RTLD_DEFAULT, "softgpu_visit_launches");
  if (visit == nullptr) return seen;
  reinterpret_cast<decltype(softgpu_visit_launches)*>(visit)(
      [](void* all, const softgpu_launch* one) {
        static_cast<std::vector<SeenLaunch>*>(all)->push_back({one->kernel, one->cluster[0], one->programmatic != 0,
                                                               one->began_early != 0, one->let_dependents_start != 0});
      },
      &seen);
  return seen;
}

}  // namespace ternary::test

#endif  // TERNARY_TESTS_SUPPORT_CUDA_LAUNCHES_H_
