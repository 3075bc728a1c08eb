#include "core/cuda/device/arch.h"

#include <algorithm>

namespace ternary {

std::vector<std::string> cuda_archs_for(int major, int minor) {
  switch (major) {
    case 8:
      if (minor == 9) return {"sm89", "sm80"};
      return {"sm80"};
    case 9:
      if (minor == 0) return {"sm90a"};
      break;
    case 10:
      if (minor == 3) return {"sm103a", "sm100f"};
      return {"sm100f"};
    case 12: return {"sm120f"};
    default: break;
  }
  return {};
}

std::vector<std::string> cuda_archs_for(int major, int minor, const std::vector<std::string>& present) {
  std::vector<std::string> archs = cuda_archs_for(major, minor);
  const auto absent = [&](const std::string& arch) {
    return std::find(present.begin(), present.end(), arch) == present.end();
  };
  archs.erase(std::remove_if(archs.begin(), archs.end(), absent), archs.end());
  return archs;
}

}  // namespace ternary
