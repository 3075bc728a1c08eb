#include "core/cuda/device/arch.h"

#include <algorithm>
#include <cstdlib>
#include <iterator>

namespace ternary {

bool runs_cuda_arch(int major, int minor, const std::string& arch) {
  const int capability = std::atoi(arch.c_str() + 2);  // behind "sm"
  if (arch.back() == 'a') return capability == 10 * major + minor;
  return capability / 10 == major && capability % 10 <= minor;
}

std::vector<std::string> cuda_archs_for(int major, int minor, const std::vector<std::string>& archs) {
  std::vector<std::string> running;
  std::copy_if(archs.rbegin(), archs.rend(), std::back_inserter(running),
               [&](const std::string& arch) { return runs_cuda_arch(major, minor, arch); });
  return running;
}

}  // namespace ternary
