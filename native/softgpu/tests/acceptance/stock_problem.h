/**
 * @file stock_problem.h
 * @brief A product with random operands on the host and on the device, and what must come out.
 */
#ifndef TERNARY_SOFTGPU_TESTS_ACCEPTANCE_STOCK_PROBLEM_H_
#define TERNARY_SOFTGPU_TESTS_ACCEPTANCE_STOCK_PROBLEM_H_

#include <string>
#include <vector>

#include "softgpu/tests/acceptance/stock_kernels.h"

namespace ternary::softgpu {

/** Memory of the device with these bytes; all copies to it are done. */
class DeviceBytes {
 public:
  explicit DeviceBytes(const std::vector<uint8_t>& bytes);
  ~DeviceBytes() { cudaFree(at_); }
  DeviceBytes(const DeviceBytes&) = delete;
  DeviceBytes& operator=(const DeviceBytes&) = delete;
  template <class T>
  T* as() const {
    return static_cast<T*>(at_);
  }

 private:
  void* at_ = nullptr;
};

/** Integers times scales that are powers of two, so that every order of operations gives one result. */
class StockProblem {
 public:
  enum class Kind { dense, mixed, mixed_scaled };
  /** m and n are multiples of 8, k of 128: what the kernels take. */
  StockProblem(Kind kind, int m, int n, int k);

  // Bytes as kernels read them.
  std::vector<uint8_t> a() const;
  std::vector<uint8_t> b() const;
  /** Those of rows, then those of columns. */
  std::vector<uint8_t> scales() const;
  size_t d_bytes() const { return size_t{4} * static_cast<size_t>(m_) * static_cast<size_t>(n_); }

  /** `scales` as the bytes above. */
  StockProduct product(const void* a, const void* b, const float* scales, void* d) const;
  /** What is wrong with D on the device, or nothing. */
  std::string difference(const void* d) const;

 private:
  double expected(int m, int n) const;

  Kind kind_;
  int m_, n_, k_;
  std::vector<int> a_, b_;
  std::vector<float> scales_;
};

}  // namespace ternary::softgpu

#endif  // TERNARY_SOFTGPU_TESTS_ACCEPTANCE_STOCK_PROBLEM_H_
