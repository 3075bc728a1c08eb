#include "bench/gpu.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "bench/options.h"

namespace ternary::bench {
namespace {

int attribute(cudaDeviceAttr which) {
  int value = 0;
  check(cudaDeviceGetAttribute(&value, which, 0), "cudaDeviceGetAttribute");
  return value;
}

/** Multiply-adds of bf16 a clock and SM, by NVIDIA's white papers of Ampere and Hopper and its brief of Blackwell. */
double bf16_rate() {
  switch (10 * attribute(cudaDevAttrComputeCapabilityMajor) + attribute(cudaDevAttrComputeCapabilityMinor)) {
    case 80: return 1024;
    case 90: return 2048;
    case 100:
    case 103: return 4096;
    default: return 0;
  }
}

}  // namespace

std::string with_digits(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

void check(cudaError_t error, const char* what) {
  if (error != cudaSuccess) fail(std::string(what) + ": " + cudaGetErrorString(error));
}

void check(ternary_status status, const char* what) {
  if (status != TERNARY_OK) fail(std::string(what) + ": " + ternary_last_error());
}

std::string Gpu::shown(double value, int digits) const {
  return software || !(value > 0) || std::isinf(value) ? "-" : with_digits(value, digits);
}

std::string Gpu::json(double value) const {
  return software || !(value > 0) || std::isinf(value) ? "null" : with_digits(value, 4);
}

Gpu find_gpu() {
  cudaDeviceProp properties;
  check(cudaGetDeviceProperties(&properties, 0), "cudaGetDeviceProperties");
  Gpu gpu;
  gpu.name = properties.name;
  gpu.l2_bytes = attribute(cudaDevAttrL2CacheSize);
  gpu.gb_per_s = 2e3 * attribute(cudaDevAttrMemoryClockRate) * attribute(cudaDevAttrGlobalMemoryBusWidth) / 8 / 1e9;
  gpu.bf16_tflops = 2 * bf16_rate() * attribute(cudaDevAttrMultiProcessorCount) * attribute(cudaDevAttrClockRate) / 1e9;
  gpu.software = gpu.name.rfind("Software", 0) == 0;
  return gpu;
}

void print_facts(const Gpu& gpu) {
  const struct {
    const char* name;
    cudaDeviceAttr which;
  } kFacts[] = {{"compute capability, major", cudaDevAttrComputeCapabilityMajor},
                {"compute capability, minor", cudaDevAttrComputeCapabilityMinor},
                {"SMs", cudaDevAttrMultiProcessorCount},
                {"clock, kHz", cudaDevAttrClockRate},
                {"memory clock, kHz", cudaDevAttrMemoryClockRate},
                {"memory bus, bits", cudaDevAttrGlobalMemoryBusWidth},
                {"L2, bytes", cudaDevAttrL2CacheSize},
                {"shared memory of an SM, bytes", cudaDevAttrMaxSharedMemoryPerMultiprocessor},
                {"shared memory a CTA may opt in to, bytes", cudaDevAttrMaxSharedMemoryPerBlockOptin},
                {"threads of an SM", cudaDevAttrMaxThreadsPerMultiProcessor},
                {"registers of an SM", cudaDevAttrMaxRegistersPerMultiprocessor},
                {"CTAs of an SM", cudaDevAttrMaxBlocksPerMultiprocessor},
                {"reads ordinary host memory", cudaDevAttrPageableMemoryAccess},
                {"ECC", cudaDevAttrEccEnabled}};
  std::printf("device: %s\n", gpu.name.c_str());
  for (const auto& fact : kFacts) std::printf("%s: %d\n", fact.name, attribute(fact.which));
  std::printf("memory bandwidth by these, GB/s: %.0f\n", gpu.gb_per_s);
  std::printf("dense bf16 by these, TFLOPS: %.0f\n", gpu.bf16_tflops);
  int driver = 0, runtime = 0;
  size_t available = 0, total = 0;
  check(cudaDriverGetVersion(&driver), "cudaDriverGetVersion");
  check(cudaRuntimeGetVersion(&runtime), "cudaRuntimeGetVersion");
  check(cudaMemGetInfo(&available, &total), "cudaMemGetInfo");
  std::printf("driver: %d, runtime: %d\nmemory: %.1f GB, of which %.1f GB are free\n", driver, runtime,
              static_cast<double>(total) / 1e9, static_cast<double>(available) / 1e9);
}

DeviceMemory device_copy(const void* host, size_t bytes) {
  void* p = nullptr;
  check(cudaMalloc(&p, std::max<size_t>(bytes, 1)), "cudaMalloc");
  DeviceMemory memory(p);
  if (host != nullptr) {
    check(cudaMemcpy(p, host, bytes, cudaMemcpyHostToDevice), "cudaMemcpy");
    check(cudaStreamSynchronize(nullptr), "cudaMemcpy");  // which does not wait for copies of pageable memory
  }
  return memory;
}

}  // namespace ternary::bench
