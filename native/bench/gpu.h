/**
 * @file gpu.h
 * @brief The GPU that cuda_bench measures: what it says of itself, its memory, and how its times are shown.
 */
#ifndef TERNARY_BENCH_GPU_H_
#define TERNARY_BENCH_GPU_H_

#include <cuda_runtime_api.h>

#include <cstdint>
#include <memory>
#include <string>

#include "ternary/ternary.h"

namespace ternary::bench {

/** Ends the program with a sentence. */
void check(cudaError_t error, const char* what);
void check(ternary_status status, const char* what);

std::string with_digits(double value, int digits);

struct Gpu {
  std::string name;
  int l2_bytes = 0;
  double gb_per_s = 0;     ///< of its memory: twice its clock, times the width of its bus
  double bf16_tflops = 0;  ///< of dense products, at the clock that it states; 0: of an unknown kind
  bool software = false;   ///< times on it are the interpreter's, so none is shown as a time

  /** With so many digits; "-" on the software GPU, and for 0, which was not measured, and what was divided by it. */
  std::string shown(double value, int digits) const;
  /** The same for JSON, where it is null. */
  std::string json(double value) const;
};

/** Device 0. */
Gpu find_gpu();

/** A line a property: what measurements must be read with. */
void print_facts(const Gpu& gpu);

struct FreeDevice {
  void operator()(void* p) const { cudaFree(p); }
};
using DeviceMemory = std::unique_ptr<void, FreeDevice>;

/** Device memory with these bytes, or with any if `host` is null; they are there for all streams. */
DeviceMemory device_copy(const void* host, size_t bytes);

}  // namespace ternary::bench

#endif  // TERNARY_BENCH_GPU_H_
