/**
 * @file safetensors.h
 * @brief Reads the golden vectors: a small reader for files of our own making, not for hostile ones.
 */
#ifndef TERNARY_TESTS_SUPPORT_SAFETENSORS_H_
#define TERNARY_TESTS_SUPPORT_SAFETENSORS_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace ternary::test {

struct Tensor {
  std::string dtype;
  std::vector<int64_t> shape;
  const void* data = nullptr;

  int64_t elements() const;
  template <typename T>
  const T* as() const {
    return static_cast<const T*>(data);
  }
};

/** One case of a golden file: its attributes and its tensors by name. */
struct GoldenCase {
  std::string name;
  std::map<std::string, std::string> attributes;
  std::map<std::string, Tensor> tensors;

  /** Null data if there is none. */
  Tensor tensor(const std::string& key) const;
};

class GoldenFile {
 public:
  /** `name` without folder and suffix; throws std::runtime_error if the file is missing or not of this format. */
  explicit GoldenFile(const std::string& name);
  const std::vector<GoldenCase>& cases() const { return cases_; }

 private:
  std::vector<uint64_t> bytes_;  // aligned for every element type
  std::vector<GoldenCase> cases_;
};

}  // namespace ternary::test

#endif  // TERNARY_TESTS_SUPPORT_SAFETENSORS_H_
