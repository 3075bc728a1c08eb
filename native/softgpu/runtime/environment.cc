#include "softgpu/runtime/environment.h"

#include <cstdlib>
#include <sstream>
#include <stdexcept>

extern char** environ;

namespace ternary::softgpu {
namespace {

constexpr const char* kNames[] = {"SOFTGPU_ARCH",     "SOFTGPU_DEVICES",       "SOFTGPU_DRIVER",     "SOFTGPU_SEED",
                                  "SOFTGPU_THREADS",  "SOFTGPU_UNINITIALISED", "SOFTGPU_RACES",      "SOFTGPU_LEAKS",
                                  "SOFTGPU_SCHEDULE", "SOFTGPU_ARITHMETIC",    "SOFTGPU_HOST_MEMORY"};

void check_names() {
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text(*entry);
    if (text.rfind("SOFTGPU_", 0) != 0) continue;
    const std::string name = text.substr(0, text.find('='));
    bool known = false;
    for (const char* other : kNames) known = known || name == other;
    if (!known) throw std::invalid_argument("the environment sets " + name + ", which the software GPU does not know");
  }
}

/** The value of a variable, or the default where it is not set or empty. */
std::string value_of(const char* name, const char* otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr || *value == 0 ? otherwise : value;
}

uint64_t number_of(const char* name, const char* otherwise, uint64_t least, uint64_t most) {
  const std::string text = value_of(name, otherwise);
  char* end = nullptr;
  const unsigned long long value = std::strtoull(text.c_str(), &end, 10);
  if (text.find_first_not_of("0123456789") != std::string::npos || value < least || value > most) {
    throw std::invalid_argument(std::string(name) + " is '" + text + "'; it must be a number from " +
                                std::to_string(least) + " to " + std::to_string(most));
  }
  return value;
}

/** The index of the variable's value in a list of what it may be. */
size_t choice_of(const char* name, const std::vector<std::string>& allowed) {
  const std::string value = value_of(name, allowed[0].c_str());
  std::string listed;
  for (size_t i = 0; i < allowed.size(); ++i) {
    if (value == allowed[i]) return i;
    listed += (i == 0 ? "" : i + 1 == allowed.size() ? " or " : ", ") + allowed[i];
  }
  throw std::invalid_argument(std::string(name) + " is '" + value + "'; it must be " + listed);
}

/** SOFTGPU_ARCH may list one architecture a device; the last serves the devices beyond the list. */
std::vector<Architecture> devices_of_environment() {
  std::vector<Architecture> listed;
  std::istringstream list(value_of("SOFTGPU_ARCH", "90a"));
  for (std::string name; std::getline(list, name, ',');) {
    try {
      listed.push_back(parse_architecture(name));
    } catch (const std::invalid_argument& error) {
      throw std::invalid_argument(std::string("SOFTGPU_ARCH: ") + error.what());
    }
  }
  const std::string count = std::to_string(listed.size());
  const uint64_t devices = number_of("SOFTGPU_DEVICES", count.c_str(), 0, 16);
  while (listed.size() < devices) listed.push_back(listed.back());
  listed.resize(devices);
  return listed;
}

}  // namespace

Environment read_environment() {
  check_names();
  Environment environment;
  environment.devices = devices_of_environment();
  environment.driver_too_old = choice_of("SOFTGPU_DRIVER", {"new", "old"}) == 1;
  const size_t schedule = choice_of("SOFTGPU_SCHEDULE", {"any", "lazy", "eager", "late-mma", "late-copies", "random"});
  if (schedule > 0) environment.schedule = static_cast<Schedule>(schedule - 1);
  environment.exact_arithmetic = choice_of("SOFTGPU_ARITHMETIC", {"exact", "any"}) == 0;
  environment.seed = number_of("SOFTGPU_SEED", "1", 0, UINT64_MAX - 1);
  environment.host_threads = static_cast<int>(number_of("SOFTGPU_THREADS", "2", 1, 64));
  environment.uninitialised_reads = number_of("SOFTGPU_UNINITIALISED", "1", 0, 1) != 0;
  environment.races = number_of("SOFTGPU_RACES", "1", 0, 1) != 0;
  environment.leaks = number_of("SOFTGPU_LEAKS", "0", 0, 1) != 0;
  environment.host_memory = number_of("SOFTGPU_HOST_MEMORY", "0", 0, 1) != 0;
  return environment;
}

}  // namespace ternary::softgpu
