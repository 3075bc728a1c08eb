#include "softgpu/runtime/launching.h"

#include <algorithm>
#include <climits>
#include <cstring>

namespace ternary::softgpu {
namespace {

/** Registers are handed out to warps in units of 256; what ptxas is not known to need is taken as 32 a thread. */
constexpr int kRegisterUnit = 256;
constexpr int kUnknownRegisters = 32;

Dim3 dim3_of(const dim3& dim) { return {dim.x, dim.y, dim.z}; }

bool any(const uint32_t (&dims)[3]) { return (dims[0] | dims[1] | dims[2]) != 0; }

/** Reads the attributes of a launch. */
void read_attributes(const cudaLaunchConfig_t& config, const Device& device, Launch* launch) {
  for (unsigned index = 0; index < config.numAttrs; ++index) {
    const cudaLaunchAttribute& attribute = config.attrs[index];
    switch (attribute.id) {
      case cudaLaunchAttributeIgnore:
      case cudaLaunchAttributePriority:
      case cudaLaunchAttributePreferredSharedMemoryCarveout: break;
      case cudaLaunchAttributeClusterDimension:
        launch->cluster = {attribute.val.clusterDim.x, attribute.val.clusterDim.y, attribute.val.clusterDim.z};
        require(device.architecture.major >= 9 || launch->cluster.count() == 1, cudaErrorNotSupported,
                "clusters need sm_90");
        break;
      case cudaLaunchAttributeProgrammaticStreamSerialization:
        launch->programmatic = attribute.val.programmaticStreamSerializationAllowed != 0;
        require(device.architecture.major >= 9 || !launch->programmatic, cudaErrorNotSupported,
                "programmatic stream serialisation needs sm_90");
        break;
      default:
        throw CudaFailure(cudaErrorNotSupported, "the software GPU does not know launch attribute " +
                                                     std::to_string(static_cast<int>(attribute.id)));
    }
  }
}

void check_grid(const Launch& launch) {
  const Dim3 &grid = launch.grid, &block = launch.block;
  require(grid.count() > 0 && grid.x <= INT_MAX && grid.y <= 65535 && grid.z <= 65535, cudaErrorInvalidConfiguration);
  require(block.count() > 0 && block.x <= 1024 && block.y <= 1024 && block.z <= 64 &&
              block.count() <= static_cast<uint64_t>(kThreadsPerCta),
          cudaErrorInvalidConfiguration);
}

void check_cluster(Launch* launch) {
  const uint32_t (&required)[3] = launch->code->function->required_cluster;
  if (any(required) && launch->cluster.count() == 1) launch->cluster = {required[0], required[1], required[2]};
  const Dim3 &cluster = launch->cluster, &grid = launch->grid;
  require(cluster.count() > 0 && cluster.count() <= static_cast<uint64_t>(kClusterLimit), cudaErrorInvalidClusterSize);
  require(grid.x % cluster.x == 0 && grid.y % cluster.y == 0 && grid.z % cluster.z == 0, cudaErrorInvalidClusterSize);
}

void check_block(const Launch& launch) {
  const ptx::Function& function = *launch.code->function;
  const Dim3& block = launch.block;
  if (any(function.required_ntid)) {
    require(block.x == function.required_ntid[0] && block.y == std::max(1u, function.required_ntid[1]) &&
                block.z == std::max(1u, function.required_ntid[2]),
            cudaErrorInvalidConfiguration);
  }
  if (any(function.max_ntid)) {
    const uint64_t most =
        uint64_t{function.max_ntid[0]} * std::max(1u, function.max_ntid[1]) * std::max(1u, function.max_ntid[2]);
    require(block.count() <= most, cudaErrorLaunchOutOfResources);
  }
}

/** Copies the arguments to where the kernel's parameters lie. */
std::vector<uint8_t> pack(const Code& code, void** arguments) {
  std::vector<uint8_t> params(code.param_bytes);
  size_t index = 0;
  for (const ptx::Variable& param : code.function->params) {
    require(arguments != nullptr && arguments[index] != nullptr, cudaErrorInvalidValue);
    std::memcpy(params.data() + code.param_offsets.at(param.name), arguments[index++], param.bytes);
  }
  return params;
}

int registers_of(Kernel& kernel, const Device& device) {
  const int registers = kernel.library->registers(kernel.name, device);
  return registers > 0 ? registers : kUnknownRegisters;
}

int round_up(int value, int multiple) { return (value + multiple - 1) / multiple * multiple; }

}  // namespace

int dynamic_shared_limit(const Kernel& kernel, uint32_t static_shared_bytes, int ordinal) {
  const auto set = kernel.dynamic_shared_limit.find(ordinal);
  if (set != kernel.dynamic_shared_limit.end()) return set->second;
  return std::max(0, kSharedBytesPerCta - static_cast<int>(static_shared_bytes));
}

void launch(Runtime& runtime, Kernel& kernel, const cudaLaunchConfig_t& config, void** arguments) {
  Stream& stream = runtime.stream(config.stream);
  const Device& device = runtime.devices()[static_cast<size_t>(stream.device)];
  require(stream.device == runtime.current_ordinal(), cudaErrorInvalidResourceHandle);
  auto work = std::make_shared<Work>();
  work->what = "kernel " + kernel.name;
  work->device = stream.device;
  work->is_kernel = true;
  Launch& launch = work->launch;
  launch.grid = dim3_of(config.gridDim);
  launch.block = dim3_of(config.blockDim);
  read_attributes(config, device, &launch);
  check_grid(launch);
  launch.code = &runtime.code(kernel, stream.device);
  check_cluster(&launch);
  check_block(launch);
  require(registers_of(kernel, device) * round_up(static_cast<int>(launch.block.count()), 32) <= kRegistersPerSm,
          cudaErrorLaunchOutOfResources);
  const int most_shared = dynamic_shared_limit(kernel, launch.code->static_shared_bytes, stream.device);
  require(config.dynamicSmemBytes <= static_cast<size_t>(most_shared), cudaErrorInvalidValue);
  launch.dynamic_shared_bytes = static_cast<uint32_t>(config.dynamicSmemBytes);
  launch.params = pack(*launch.code, arguments);
  runtime.queue().set_sm_count(stream.device, device.sm_count);
  runtime.submit(stream, std::move(work));
}

int resident_ctas(Runtime& runtime, Kernel& kernel, int threads, size_t dynamic_shared_bytes) {
  const Device& device = runtime.current_device();
  const Code& code = runtime.code(kernel, runtime.current_ordinal());
  require(threads > 0, cudaErrorInvalidValue);
  const int warps = round_up(threads, 32) / 32;
  const int registers = warps * round_up(registers_of(kernel, device) * 32, kRegisterUnit);
  const int64_t shared = static_cast<int64_t>(code.static_shared_bytes + dynamic_shared_bytes) + kSharedBytesReserved;
  int ctas = std::min(device.ctas_per_sm, device.threads_per_sm / (32 * warps));
  ctas = std::min(ctas, kRegistersPerSm / registers);
  ctas = std::min(ctas, static_cast<int>(device.shared_bytes_per_sm / shared));
  const bool fits = threads <= kThreadsPerCta &&
                    dynamic_shared_bytes + code.static_shared_bytes <= static_cast<size_t>(device.shared_bytes_opt_in);
  return fits ? ctas : 0;
}

}  // namespace ternary::softgpu
