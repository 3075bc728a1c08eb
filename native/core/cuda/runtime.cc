#include "core/cuda/runtime.h"

#include <set>
#include <string_view>

#include "core/base/json.h"
#include "core/cuda/copies/weight_bytes.h"

namespace ternary {
namespace {

constexpr const char* kCudaStageNames[] = {"activations", "fused_a8",    "gemm_a8",    "gemm_a16",   "rotate",
                                           "head_norm",   "router",      "route",      "align",      "combine",
                                           "expert_rows", "expert_gate", "experts_a8", "experts_a16"};
static_assert(std::size(kCudaStageNames) == kCudaStageCount, "a name each");

std::string kernel_name(const CudaBackend& backend, const CudaKernel& kernel) {
  return std::string(kernel.name) + ".cuda." + backend.arch;
}

DeviceAttributes attributes_of(const CudaDevice& device) {
  return {device.name,      device.backend().arch,   device.major,          device.sm_count,
          device.clock_khz, device.memory_clock_khz, device.memory_bus_bits};
}

/** ternary_runtime_info()'s `cuda.libraries`. */
std::string libraries_json(const std::vector<CudaLibrary>& libraries) {
  std::string out;
  for (const CudaLibrary& library : libraries) {
    out += (out.empty() ? "{\"name\":" : ",{\"name\":") + json_string(library.name) +
           ",\"arch\":" + json_string(library.reason.empty() ? library.arch : "") +
           ",\"reason\":" + json_string(library.reason) + '}';
  }
  return '[' + out + ']';
}

/** The model of the kernels that are there. */
CudaCost cost_of(const CudaDevice& device, bool pdl, const Residuals& residuals) {
  std::set<std::string_view> present;
  device.each_kernel([&](const CudaKernel& kernel, const CudaBackend&) { present.insert(kernel.file); });
  CudaCost cost(attributes_of(device), pdl, residuals);
  cost.keep([&](const CostKernel& kernel) { return present.count(kernel.row->file) > 0; });
  return cost;
}

}  // namespace

CudaRuntime::CudaRuntime(const CudaDevice& found, const Settings& settings, const Residuals& residuals)
    : device(found),
      pdl(settings.enable_pdl && found.backend().pdl),
      cost(cost_of(device, pdl, residuals)),
      experts(cost.device(), pdl, kCommittedFigures, residuals),
      cutlass(settings.cutlass),
      top2(settings.cutlass == CutlassChoice::never ? Top2Kernels::none : check_top2_kernels(device)),
      workspaces(device),
      lanes(device),
      wrong_ids(device) {}

std::vector<std::string> CudaRuntime::kernel_names() const {
  std::vector<std::string> names;
  device.each_kernel(
      [&](const CudaKernel& kernel, const CudaBackend& backend) { names.push_back(kernel_name(backend, kernel)); });
  if (const CudaLibrary* missing = device.missing_cutlass()) names.push_back(missing->name + ".cuda." + missing->arch);
  return names;
}

std::string CudaRuntime::kernel_file(size_t place) const {
  std::string file;
  device.each_kernel([&](const CudaKernel& kernel, const CudaBackend&) {
    if (device.place(kernel) == place) file = kernel.file;
  });
  return file;
}

std::string CudaRuntime::kernels_json() const {
  std::string out;
  device.each_kernel([&](const CudaKernel& kernel, const CudaBackend& backend) {
    out += ",{\"name\":" + json_string(kernel_name(backend, kernel)) + ",\"file\":" + json_string(kernel.file) +
           ",\"stage\":" + json_string(kCudaStageNames[static_cast<int>(kernel.stage)]) +
           ",\"isa\":" + json_string(backend.arch);
    if (kernel.multiplies()) {
      out += ",\"layout\":" + json_string(kCudaLayoutNames[static_cast<int>(kernel.layout)]);
    }
    out += ",\"available\":true}";
  });
  return out;
}

std::string CudaRuntime::json() const {
  return "{\"used\":true,\"ordinal\":" + std::to_string(device.ordinal) + ",\"name\":" + json_string(device.name) +
         ",\"capability\":\"" + std::to_string(device.major) + '.' + std::to_string(device.minor) +
         "\",\"library\":" + json_string(device.backend().arch) + ",\"driver\":\"" + cuda_version_text(device.driver) +
         "\",\"runtime\":\"" + cuda_version_text(device.runtime) + "\",\"sms\":" + std::to_string(device.sm_count) +
         ",\"memory_bytes\":" + std::to_string(device.memory_bytes) + ",\"model\":" + json_string(cost.device().name) +
         ",\"weight_bytes\":" + weight_bytes_json(device.ordinal) + ",\"warning\":" + json_string(device.warning) +
         ",\"libraries\":" + libraries_json(device.libraries) + "}";
}

}  // namespace ternary
