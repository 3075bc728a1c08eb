/**
 * @file planted.h
 * @brief Plants faults in kernels of the stand-in backend that the process runs on, and what tests ask of its runtimes.
 */
#ifndef TERNARY_TESTS_RECHECK_PLANTED_H_
#define TERNARY_TESTS_RECHECK_PLANTED_H_

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "recheck/faults.h"
#include "support/handles.h"

namespace ternary::test {

/** "gemm_a8_i2s.cpu.avx2" of "linear.gemm_a8_i2s.block32.cpu.avx2". */
inline std::string row_name(std::string path) {
  path = path.substr(path.find('.') + 1);
  const size_t block = path.find(".block");
  if (block != std::string::npos) path.erase(block, path.find('.', block + 1) - block);
  return path;
}

/** The faults of a library of stand-ins, which are gone at the end. */
class Plants {
 public:
  /** `device` is "cpu" or "cuda": the library's rows are those of ternary_runtime_info() of this device. */
  Plants(const char* library, std::string device)
      : plant_(reinterpret_cast<PlantFn>(dlsym(dlopen(library, RTLD_NOW), "ternary_plant"))),
        device_('.' + std::move(device) + '.') {}
  ~Plants() { clear(); }
  Plants(const Plants&) = delete;
  Plants& operator=(const Plants&) = delete;

  /** In the kernel that a path names; on a GPU, where several may have a name, in the one of them for which `is_wrong()`. */
  template <typename IsWrong>
  void plant(const ternary_runtime* runtime, const std::string& path, const Fault& fault, IsWrong is_wrong) {
    int32_t row = 0;
    for (const KernelInfo& kernel : rows(runtime)) {
      if (kernel.name == row_name(path)) {
        set(row, fault);
        if (is_wrong()) return;
        clear();
      }
      ++row;
    }
    ADD_FAILURE() << path << " is no kernel of this device that has been called";
  }
  void plant(const ternary_runtime* runtime, const std::string& path, const Fault& fault) {
    plant(runtime, path, fault, [] { return true; });
  }

  /** In every kernel of a stage. */
  void plant_all(const ternary_runtime* runtime, const std::string& stage, const Fault& fault) {
    int32_t row = 0;
    for (const KernelInfo& kernel : rows(runtime)) {
      if (kernel.stage == stage) set(row, fault);
      ++row;
    }
  }

  void clear() {
    for (const int32_t row : planted_) set(row, {});
    planted_.clear();
  }

 private:
  std::vector<KernelInfo> rows(const ternary_runtime* runtime) const {
    std::vector<KernelInfo> found;
    for (const KernelInfo& kernel : kernels_of(runtime)) {
      if (kernel.name.find(device_) != std::string::npos) found.push_back(kernel);
    }
    return found;
  }

  void set(int32_t row, const Fault& fault) {
    plant_(row, &fault);
    if (fault.where != Fault::Where::nowhere) planted_.push_back(row);
  }

  const PlantFn plant_;
  const std::string device_;
  std::vector<int32_t> planted_;
};

/** An element of Y that is wrong by far. */
inline Fault wrong_y(int64_t m, int64_t n, float added = 64) { return {Fault::Where::y, m, n, added, 0}; }

/** The member `validation` or `shadow` of a runtime's counters. */
inline Counts watch_counts(const ternary_runtime* runtime, const char* member) {
  return parse_counters(counters_json_of(runtime), member).paths;
}

/** The member `plans_made`. */
inline uint64_t plans_made(const ternary_runtime* runtime) {
  const std::string json = counters_json_of(runtime);
  return std::strtoull(json.c_str() + json.find("\"plans_made\":") + 13, nullptr, 10);
}

}  // namespace ternary::test

#endif  // TERNARY_TESTS_RECHECK_PLANTED_H_
