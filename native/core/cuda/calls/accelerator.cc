#include "core/cuda/calls/accelerator.h"

#include <cinttypes>

#include "core/base/failure.h"
#include "core/cuda/call_checks.h"
#include "core/cuda/calls/experts.h"
#include "core/cuda/calls/row_ops.h"
#include "core/cuda/calls/staging.h"
#include "core/cuda/copies/layer.h"
#include "core/cuda/copies/moe.h"
#include "core/cuda/device/find_device.h"
#include "core/cuda/dispatch.h"
#include "core/cuda/moe/dispatch.h"
#include "core/cuda/moe/plan.h"
#include "core/cuda/places.h"
#include "core/cuda/plan_list.h"
#include "core/cuda/runtime.h"
#include "core/cuda/top2.h"
#include "core/runtime/runtime.h"

namespace ternary {
namespace {

class CudaAccelerator final : public Accelerator {
 public:
  CudaAccelerator(const CudaDevice& device, const Settings& settings, const Residuals& residuals)
      : cuda_(device, settings, residuals) {}

  std::vector<std::string> kernel_names() const override { return cuda_.kernel_names(); }
  std::string kernels_json() const override { return cuda_.kernels_json(); }
  std::string json() const override { return cuda_.json(); }

  uint64_t plans_made() const override { return cuda_.plans.made(); }
  uint64_t launches() const override { return cuda_.launches(); }
  bool pdl() const override { return cuda_.pdl; }
  std::string kernel_file(size_t place) const override { return cuda_.kernel_file(place); }
  std::vector<std::string> plans(const ternary_runtime& runtime) const override { return list_plans(runtime, cuda_); }

  void prepare(ternary_runtime& runtime, const ternary_layer& layer) override {
    const CudaDeviceScope scope(cuda_.device);
    prepare_layer(layer, cuda_.device, runtime.pool, {runtime.settings.prefill_skip_m > 0, keeps_top2(cuda_, layer)});
  }

  void prepare_moe(ternary_runtime& runtime, const ternary_moe& moe) override {
    const CudaDeviceScope scope(cuda_.device);
    ternary::prepare_moe(moe, cuda_.device, runtime.pool);
  }

  void run(ternary_runtime& runtime, const Product& product) override { run_staged_product(runtime, cuda_, product); }

  void quantise(ternary_runtime& runtime, const ternary_quantise_operands& operands) override {
    run_staged_quantise(runtime, cuda_, operands);
  }
  void rotate(ternary_runtime& runtime, const ternary_rotate_operands& operands) override {
    run_staged_rotate(runtime, cuda_, operands);
  }
  void qk_norm(ternary_runtime& runtime, const ternary_qk_norm_operands& operands) override {
    run_staged_qk_norm(runtime, cuda_, operands);
  }

  void moe(ternary_runtime& runtime, const ternary_moe& moe, const ternary_moe_operands& operands) override {
    run_staged_moe(runtime, cuda_, moe, operands);
  }
  void route(ternary_runtime& runtime, const ternary_route_operands& operands) override {
    run_staged_route(runtime, cuda_, operands);
  }
  void align(ternary_runtime& runtime, const ternary_align_operands& operands) override {
    run_staged_align(runtime, cuda_, operands);
  }
  void combine(ternary_runtime& runtime, const ternary_combine_operands& operands) override {
    run_staged_combine(runtime, cuda_, operands);
  }

  void start(ternary_runtime& runtime, const Product& product, const ternary_cuda_call& call) override {
    const CudaDeviceScope scope(cuda_.device);
    start_product(runtime, cuda_, product, call);
  }

  void start_quantise(ternary_runtime& runtime, const ternary_quantise_operands& operands,
                      const ternary_cuda_call& call) override {
    const CudaDeviceScope scope(cuda_.device);
    ternary::start_quantise(runtime, cuda_, operands, call);
  }
  void start_rotate(ternary_runtime& runtime, const ternary_rotate_operands& operands,
                    const ternary_cuda_call& call) override {
    const CudaDeviceScope scope(cuda_.device);
    ternary::start_rotate(runtime, cuda_, operands, call);
  }
  void start_qk_norm(ternary_runtime& runtime, const ternary_qk_norm_operands& operands,
                     const ternary_cuda_call& call) override {
    const CudaDeviceScope scope(cuda_.device);
    ternary::start_qk_norm(runtime, cuda_, operands, call);
  }

  void start_moe(ternary_runtime& runtime, const ternary_moe& moe, const ternary_moe_operands& operands,
                 const ternary_cuda_call& call) override {
    const CudaDeviceScope scope(cuda_.device);
    ternary::start_moe(runtime, cuda_, moe, operands, call);
  }
  void start_route(ternary_runtime& runtime, const ternary_route_operands& operands,
                   const ternary_cuda_call& call) override {
    const CudaDeviceScope scope(cuda_.device);
    ternary::start_route(runtime, cuda_, operands, call);
  }
  void start_align(ternary_runtime& runtime, const ternary_align_operands& operands,
                   const ternary_cuda_call& call) override {
    const CudaDeviceScope scope(cuda_.device);
    ternary::start_align(runtime, cuda_, operands, call);
  }
  void start_combine(ternary_runtime& runtime, const ternary_combine_operands& operands,
                     const ternary_cuda_call& call) override {
    const CudaDeviceScope scope(cuda_.device);
    ternary::start_combine(runtime, cuda_, operands, call);
  }

  void synchronise(void* stream) override {
    const CudaDeviceScope scope(cuda_.device);
    const Cudart& rt = *cuda_.device.cuda;
    check_stream(cuda_.device, stream);
    check_cuda(rt, rt.StreamSynchronize(stream), "cudaStreamSynchronize");
    if (const uint32_t wrong = cuda_.wrong_ids.take()) {
      fail(TERNARY_INVALID_ARGUMENT,
           "expert_ids on the device had %" PRIu32
           " ids that are neither -1 nor an expert's since the last synchronisation; they contributed nothing",
           wrong);
    }
  }

  int64_t workspace_bytes(const ternary_layer& layer, int64_t M) const override {
    return most_workspace(cuda_, layer, M);
  }
  int64_t moe_workspace_bytes(const ternary_moe& moe, int64_t M, int64_t T) const override {
    return CudaMoePlan(moe, M, T).bytes;
  }
  int64_t route_workspace_bytes(int64_t M, int64_t E) const override { return ternary::route_workspace_bytes(M, E); }

  std::optional<ternary_prediction> predict(ternary_layout layout, ternary_activation activation, int64_t M, int64_t N,
                                            int64_t K) const override {
    return cuda_.cost.predict(layout, activation, M, N, K);
  }

 private:
  CudaRuntime cuda_;
};

}  // namespace

FoundAccelerator find_cuda_accelerator(const Settings& settings) {
  // A file that cannot be honoured is an error also where the CPU serves.
  const Residuals residuals =
      settings.checked(Knob::cost_residuals, [&] { return Residuals::read(settings.cost_residuals); });
  FoundAccelerator found;
  if (!settings.device.cuda) return found;
  CudaDevice device;
  const CudaPtx ptx = settings.device.or_cpu ? CudaPtx::never : CudaPtx::last_resort;
  const NoCuda missing = find_cuda_device(settings.device.ordinal, ptx, settings.cutlass, device);
  if (missing.reason.empty()) {
    found.accelerator = std::make_unique<CudaAccelerator>(device, settings, residuals);
  } else if (!settings.device.or_cpu) {
    fail(TERNARY_UNSUPPORTED, "TERNARY_DEVICE is \"%s\": %s", settings.device.text.c_str(), missing.reason.c_str());
  }
  found.reason = missing.reason;
  found.no_library = missing.library;
  return found;
}

}  // namespace ternary
