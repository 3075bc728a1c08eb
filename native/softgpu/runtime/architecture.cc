#include "softgpu/runtime/architecture.h"

#include <stdexcept>

namespace ternary::softgpu {
namespace {

/** Of one major; 10.1 is alone, its successor is 11.0. */
bool same_family(const Architecture& a, const Architecture& b) {
  const auto alone = [](const Architecture& x) { return x.number() == 101; };
  return a.major == b.major && alone(a) == alone(b);
}

}  // namespace

Architecture parse_architecture(const std::string& text) {
  std::string rest = text;
  for (const char* prefix : {"sm_", "compute_"}) {
    if (rest.rfind(prefix, 0) == 0) rest.erase(0, std::string(prefix).size());
  }
  Architecture architecture;
  if (!rest.empty() && (rest.back() == 'a' || rest.back() == 'f')) {
    architecture.suffix = rest.back();
    rest.pop_back();
  }
  if (rest.size() < 2 || rest.size() > 3 || rest.find_first_not_of("0123456789") != std::string::npos) {
    throw std::invalid_argument("'" + text + "' is no GPU architecture; an example of one is 90a");
  }
  const int number = std::stoi(rest);
  architecture.major = number / 10;
  architecture.minor = number % 10;
  return architecture;
}

std::string name_of(const Architecture& architecture) {
  std::string name = "sm_" + std::to_string(architecture.number());
  if (architecture.suffix != 0) name += architecture.suffix;
  return name;
}

bool runs_on(const Architecture& ptx, const Architecture& device) {
  switch (ptx.suffix) {
    case 'a': return ptx.number() == device.number();
    case 'f': return same_family(ptx, device) && ptx.minor <= device.minor;
    default: return ptx.number() <= device.number();
  }
}

bool better_than(const Architecture& a, const Architecture& b) {
  if (a.number() != b.number()) return a.number() > b.number();
  const auto rank = [](char suffix) { return suffix == 'a' ? 2 : suffix == 'f' ? 1 : 0; };
  return rank(a.suffix) > rank(b.suffix);
}

}  // namespace ternary::softgpu
