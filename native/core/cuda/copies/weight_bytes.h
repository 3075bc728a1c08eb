/**
 * @file weight_bytes.h
 * @brief How much of a GPU's memory the copies of weights take, by arrangement.
 */
#ifndef TERNARY_CORE_CUDA_COPIES_WEIGHT_BYTES_H_
#define TERNARY_CORE_CUDA_COPIES_WEIGHT_BYTES_H_

#include <array>
#include <cstdint>
#include <string>

#include "abi/cuda_layout.h"

namespace ternary {

/** By CudaLayout. */
using WeightBytes = std::array<int64_t, kCudaLayoutCount>;

/** Bytes of all copies of weights on a GPU now, of whichever runtimes of this process. Scales count with the first copy. */
WeightBytes weight_bytes_on(int ordinal);

/** The same as a JSON object. */
std::string weight_bytes_json(int ordinal);

/** What one matrix adds to these, as long as it has its copy. */
class CountedBytes {
 public:
  explicit CountedBytes(int ordinal) : ordinal_(ordinal) {}
  ~CountedBytes();
  CountedBytes(const CountedBytes&) = delete;
  CountedBytes& operator=(const CountedBytes&) = delete;

  /** By one thread at a time. */
  void add(CudaLayout layout, int64_t bytes);

 private:
  const int ordinal_;
  WeightBytes own_ = {};
};

}  // namespace ternary

#endif  // TERNARY_CORE_CUDA_COPIES_WEIGHT_BYTES_H_
