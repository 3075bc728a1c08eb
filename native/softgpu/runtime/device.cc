#include "softgpu/runtime/device.h"

#include <climits>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

namespace ternary::softgpu {
namespace {

constexpr int64_t kMiB = 1 << 20;
constexpr int64_t kGiB = 1 << 30;

/** From NVIDIA's tuning guides and data sheets; the clocks are what the parts report. */
const Device kParts[] = {
    {{8, 0}, "A100-SXM4-80GB", 108, 164 << 10, 163 << 10, 2048, 32, 40 * kMiB, 80 * kGiB, 1410000, 1593000, 5120},
    {{8, 6}, "RTX A6000", 84, 100 << 10, 99 << 10, 1536, 16, 6 * kMiB, 48 * kGiB, 1800000, 8001000, 384},
    {{8, 7}, "Orin", 16, 164 << 10, 163 << 10, 1536, 16, 4 * kMiB, 32 * kGiB, 1300000, 3200000, 256},
    {{8, 9}, "GeForce RTX 4090", 128, 100 << 10, 99 << 10, 1536, 24, 72 * kMiB, 24 * kGiB, 2520000, 10501000, 384},
    {{9, 0}, "H100 80GB HBM3", 132, 228 << 10, 227 << 10, 2048, 32, 50 * kMiB, 80 * kGiB, 1980000, 2619000, 5120},
    {{10, 0}, "B200", 148, 228 << 10, 227 << 10, 2048, 32, 126 * kMiB, 180 * kGiB, 1965000, 3996000, 8192},
    // Of CUDA 12, which 13 calls 11.0: no library of ours has machine code for it.
    {{10, 1}, "Thor of CUDA 12", 20, 228 << 10, 227 << 10, 1536, 24, 32 * kMiB, 128 * kGiB, 1575000, 4266000, 256},
    {{10, 3}, "B300", 148, 228 << 10, 227 << 10, 2048, 32, 126 * kMiB, 270 * kGiB, 1920000, 3996000, 8192},
    {{11, 0}, "Thor", 20, 228 << 10, 227 << 10, 1536, 24, 32 * kMiB, 128 * kGiB, 1575000, 4266000, 256},
    {{12, 0}, "GeForce RTX 5090", 170, 100 << 10, 99 << 10, 1536, 24, 96 * kMiB, 32 * kGiB, 2407000, 14001000, 512},
    {{12, 1}, "GB10", 48, 100 << 10, 99 << 10, 1536, 24, 24 * kMiB, 120 * kGiB, 2418000, 4266000, 256},
};

int64_t positive_number(const std::string& key, const std::string& value) {
  char* end = nullptr;
  const long long number = std::strtoll(value.c_str(), &end, 10);
  if (value.empty() || *end != 0 || number <= 0) {
    throw std::invalid_argument("device property " + key + " is '" + value + "'; it must be a positive number");
  }
  return number;
}

}  // namespace

Device device_of(const Architecture& architecture) {
  std::string known;
  for (const Device& part : kParts) {
    if (part.architecture.number() == architecture.number()) {
      Device device = part;
      device.name = "Software GPU as NVIDIA " + part.name;
      return device;
    }
    known += (known.empty() ? "" : ", ") + std::to_string(part.architecture.number());
  }
  throw std::invalid_argument("there is no device of " + name_of(architecture) + " among " + known);
}

void set_device(Device* device, const std::string& key, const std::string& value) {
  if (key == "name") {
    device->name = value;
  } else if (key == "arch") {
    const bool host_memory = device->host_memory;
    *device = device_of(parse_architecture(value));
    device->host_memory = host_memory;
  } else if (key == "sm_count") {
    device->sm_count = static_cast<int>(positive_number(key, value));
  } else if (key == "shared_opt_in") {
    device->shared_bytes_opt_in = static_cast<int>(positive_number(key, value));
  } else if (key == "l2_bytes") {
    device->l2_bytes = positive_number(key, value);
  } else if (key == "memory_bytes") {
    device->memory_bytes = positive_number(key, value);
  } else {
    throw std::invalid_argument("'" + key +
                                "' is no property of a device; those are name, arch, sm_count, "
                                "shared_opt_in, l2_bytes, memory_bytes");
  }
}

void fill_properties(const Device& device, int ordinal, cudaDeviceProp* properties) {
  cudaDeviceProp& p = *properties;
  std::memset(&p, 0, sizeof p);
  std::strncpy(p.name, device.name.c_str(), sizeof p.name - 1);
  std::memset(p.uuid.bytes, 0x50 + ordinal, sizeof p.uuid.bytes);
  const auto attribute = [&](cudaDeviceAttr which) {
    int value = 0;
    device_attribute(device, ordinal, which, &value);
    return value;
  };
  p.totalGlobalMem = static_cast<size_t>(device.memory_bytes);
  p.sharedMemPerBlock = kSharedBytesPerCta;
  p.regsPerBlock = kRegistersPerSm;
  p.warpSize = 32;
  p.memPitch = INT_MAX;
  p.maxThreadsPerBlock = kThreadsPerCta;
  p.maxThreadsDim[0] = attribute(cudaDevAttrMaxBlockDimX);
  p.maxThreadsDim[1] = attribute(cudaDevAttrMaxBlockDimY);
  p.maxThreadsDim[2] = attribute(cudaDevAttrMaxBlockDimZ);
  p.maxGridSize[0] = attribute(cudaDevAttrMaxGridDimX);
  p.maxGridSize[1] = attribute(cudaDevAttrMaxGridDimY);
  p.maxGridSize[2] = attribute(cudaDevAttrMaxGridDimZ);
  p.totalConstMem = 65536;
  p.major = device.architecture.major;
  p.minor = device.architecture.minor;
  p.textureAlignment = 512;
  p.multiProcessorCount = device.sm_count;
  p.canMapHostMemory = 1;
  p.concurrentKernels = 1;
  p.pciBusID = attribute(cudaDevAttrPciBusId);
  p.asyncEngineCount = attribute(cudaDevAttrAsyncEngineCount);
  p.unifiedAddressing = 1;
  p.memoryBusWidth = device.memory_bus_bits;
  p.l2CacheSize = attribute(cudaDevAttrL2CacheSize);
  p.maxThreadsPerMultiProcessor = device.threads_per_sm;
  p.streamPrioritiesSupported = 1;
  p.globalL1CacheSupported = 1;
  p.localL1CacheSupported = 1;
  p.sharedMemPerMultiprocessor = static_cast<size_t>(device.shared_bytes_per_sm);
  p.regsPerMultiprocessor = kRegistersPerSm;
  p.canUseHostPointerForRegisteredMem = 1;
  p.sharedMemPerBlockOptin = static_cast<size_t>(device.shared_bytes_opt_in);
  p.maxBlocksPerMultiProcessor = device.ctas_per_sm;
  p.reservedSharedMemPerBlock = kSharedBytesReserved;
  p.hostRegisterSupported = 1;
  p.memoryPoolsSupported = 1;
  p.clusterLaunch = attribute(cudaDevAttrClusterLaunch);
}

bool device_attribute(const Device& device, int ordinal, cudaDeviceAttr attribute, int* value) {
  switch (attribute) {
    case cudaDevAttrMaxThreadsPerBlock:
    case cudaDevAttrMaxBlockDimX:
    case cudaDevAttrMaxBlockDimY: *value = kThreadsPerCta; return true;
    case cudaDevAttrMaxBlockDimZ: *value = 64; return true;
    case cudaDevAttrMaxGridDimX: *value = INT_MAX; return true;
    case cudaDevAttrMaxGridDimY:
    case cudaDevAttrMaxGridDimZ: *value = 65535; return true;
    case cudaDevAttrMaxSharedMemoryPerBlock: *value = kSharedBytesPerCta; return true;
    case cudaDevAttrTotalConstantMemory: *value = 65536; return true;
    case cudaDevAttrWarpSize: *value = 32; return true;
    case cudaDevAttrMaxRegistersPerBlock:
    case cudaDevAttrMaxRegistersPerMultiprocessor: *value = kRegistersPerSm; return true;
    case cudaDevAttrClockRate: *value = device.clock_khz; return true;
    case cudaDevAttrMultiProcessorCount: *value = device.sm_count; return true;
    case cudaDevAttrPciBusId: *value = ordinal + 1; return true;
    case cudaDevAttrPciDeviceId:
    case cudaDevAttrPciDomainId:
    case cudaDevAttrKernelExecTimeout:
    case cudaDevAttrIntegrated:
    case cudaDevAttrComputeMode:
    case cudaDevAttrTccDriver:
    case cudaDevAttrEccEnabled:
    case cudaDevAttrIsMultiGpuBoard:
    case cudaDevAttrManagedMemory:
    case cudaDevAttrConcurrentManagedAccess:
    case cudaDevAttrPageableMemoryAccessUsesHostPageTables:
    case cudaDevAttrCooperativeLaunch: *value = 0; return true;  // not simulated
    case cudaDevAttrPageableMemoryAccess: *value = device.host_memory; return true;
    case cudaDevAttrCanMapHostMemory:
    case cudaDevAttrConcurrentKernels:
    case cudaDevAttrUnifiedAddressing:
    case cudaDevAttrStreamPrioritiesSupported:
    case cudaDevAttrGlobalL1CacheSupported:
    case cudaDevAttrLocalL1CacheSupported:
    case cudaDevAttrCanUseHostPointerForRegisteredMem:
    case cudaDevAttrHostRegisterSupported:
    case cudaDevAttrMemoryPoolsSupported: *value = 1; return true;
    case cudaDevAttrAsyncEngineCount: *value = 3; return true;
    case cudaDevAttrMemoryClockRate: *value = device.memory_clock_khz; return true;
    case cudaDevAttrGlobalMemoryBusWidth: *value = device.memory_bus_bits; return true;
    case cudaDevAttrL2CacheSize: *value = static_cast<int>(device.l2_bytes); return true;
    case cudaDevAttrMaxThreadsPerMultiProcessor: *value = device.threads_per_sm; return true;
    case cudaDevAttrComputeCapabilityMajor: *value = device.architecture.major; return true;
    case cudaDevAttrComputeCapabilityMinor: *value = device.architecture.minor; return true;
    case cudaDevAttrMaxSharedMemoryPerMultiprocessor: *value = device.shared_bytes_per_sm; return true;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin: *value = device.shared_bytes_opt_in; return true;
    case cudaDevAttrMaxBlocksPerMultiprocessor: *value = device.ctas_per_sm; return true;
    case cudaDevAttrReservedSharedMemoryPerBlock: *value = kSharedBytesReserved; return true;
    case cudaDevAttrClusterLaunch: *value = device.architecture.major >= 9; return true;
    default: return false;
  }
}

}  // namespace ternary::softgpu
