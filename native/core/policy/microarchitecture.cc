#include "core/policy/microarchitecture.h"

#include <cstdio>
#include <cstring>

namespace ternary {
namespace {

/** Models of one family, as cpuid counts them. */
struct Models {
  Microarchitecture microarchitecture;
  const char* vendor;
  int family, first, last;
};

constexpr Models kModels[] = {
    {Microarchitecture::zen3, "AuthenticAMD", 25, 0x00, 0x0f},        // Milan, Chagall
    {Microarchitecture::zen4, "AuthenticAMD", 25, 0x10, 0x1f},        // Genoa, Storm Peak
    {Microarchitecture::zen3, "AuthenticAMD", 25, 0x20, 0x5f},        // Vermeer, Rembrandt, Cezanne
    {Microarchitecture::zen4, "AuthenticAMD", 25, 0x60, 0xaf},        // Raphael, Phoenix, Bergamo
    {Microarchitecture::zen5, "AuthenticAMD", 26, 0x00, 0x7f},        // Turin, Granite Ridge, Strix
    {Microarchitecture::golden_cove, "GenuineIntel", 6, 0x8f, 0x8f},  // Sapphire Rapids
    {Microarchitecture::golden_cove, "GenuineIntel", 6, 0xcf, 0xcf},  // Emerald Rapids
    {Microarchitecture::golden_cove, "GenuineIntel", 6, 0x97, 0x97},  // Alder Lake
    {Microarchitecture::golden_cove, "GenuineIntel", 6, 0x9a, 0x9a},  // Alder Lake, mobile
};

constexpr const char* kNames[] = {"other", "Zen 3", "Zen 4", "Zen 5", "Golden Cove"};

}  // namespace

Microarchitecture microarchitecture_of(const std::string& device_id) {
  char vendor[16];
  int family = 0, model = 0;
  if (std::sscanf(device_id.c_str(), "%15s family %d model %d", vendor, &family, &model) != 3) {
    return Microarchitecture::other;
  }
  for (const Models& models : kModels) {
    if (std::strcmp(models.vendor, vendor) == 0 && models.family == family && models.first <= model &&
        model <= models.last) {
      return models.microarchitecture;
    }
  }
  return Microarchitecture::other;
}

const char* microarchitecture_name(Microarchitecture microarchitecture) {
  return kNames[static_cast<int>(microarchitecture)];
}

}  // namespace ternary
