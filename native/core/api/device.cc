/** The functions of the C interface that belong to a GPU. */
#include <cinttypes>
#include <optional>

#include "core/base/argument.h"
#include "core/base/failure.h"
#include "core/cost/cost.h"
#include "core/product/arguments_of.h"
#include "core/runtime/runtime.h"
#include "core/weights/layout.h"

namespace ternary {
namespace {

/** The GPU of a runtime; throws if it has none. */
Accelerator& device_of(const ternary_runtime* runtime, const char* function) {
  check_runtime(runtime);
  if (runtime->accelerator() != nullptr) return *runtime->accelerator();
  fail(TERNARY_UNSUPPORTED, "%s needs a GPU, and this runtime's products run on the CPU (TERNARY_DEVICE is \"%s\"%s%s)",
       function, runtime->settings.device.text.c_str(), runtime->found.reason.empty() ? "" : "; ",
       runtime->found.reason.c_str());
}

const ternary_cuda_call& call_of(const ternary_cuda_call* call) {
  static constexpr ternary_cuda_call kDefault = {nullptr, nullptr, 0};
  return call == nullptr ? kDefault : *call;
}

}  // namespace
}  // namespace ternary

using namespace ternary;

ternary_status ternary_weights_prepare(ternary_runtime* runtime, const ternary_weights* weights) {
  return guarded([&] {
    check_runtime(runtime);
    check_pointer("weights", weights, alignof(ternary_weights));
    if (Accelerator* device = runtime->accelerator()) device->prepare(*runtime, *weights);
  });
}

ternary_status ternary_workspace_bytes(ternary_runtime* runtime, const ternary_weights* weights,
                                       ternary_activation activation, int64_t M, int64_t* bytes) {
  return guarded([&] {
    Accelerator& device = device_of(runtime, "ternary_workspace_bytes");
    check_pointer("bytes", bytes, alignof(int64_t));
    check_activation(activation);
    check_rows(M);
    *bytes = weights == nullptr ? 0 : device.workspace_bytes(*weights, activation, M);
  });
}

ternary_status ternary_linear_async(ternary_runtime* runtime, const ternary_weights* weights,
                                    ternary_activation activation, const void* x, ternary_dtype x_dtype, int64_t ldx,
                                    const float* x_scale, const float* bias, void* y, ternary_dtype y_dtype,
                                    int64_t ldy, int64_t M, const ternary_cuda_call* call) {
  return guarded([&] {
    Accelerator& device = device_of(runtime, "ternary_linear_async");
    const Product product = linear_product(weights, activation, x, x_dtype, ldx, x_scale, bias, y, y_dtype, ldy, M);
    check_product(product);
    device.start(*runtime, product, call_of(call));
  });
}

ternary_status ternary_rmsnorm_linear_async(ternary_runtime* runtime, const ternary_weights* weights,
                                            ternary_activation activation, const void* x, ternary_dtype x_dtype,
                                            int64_t ldx, const float* x_scale, const void* residual, void* residual_out,
                                            ternary_dtype residual_dtype, int64_t ld_residual, const float* norm_weight,
                                            float eps, const float* bias, void* y, ternary_dtype y_dtype, int64_t ldy,
                                            int64_t M, const ternary_cuda_call* call) {
  return guarded([&] {
    Accelerator& device = device_of(runtime, "ternary_rmsnorm_linear_async");
    Product product = linear_product(weights, activation, x, x_dtype, ldx, x_scale, bias, y, y_dtype, ldy, M);
    add_norm(product, residual, residual_out, residual_dtype, ld_residual, norm_weight, eps);
    check_product(product);
    device.start(*runtime, product, call_of(call));
  });
}

ternary_status ternary_quantise_activations_async(ternary_runtime* runtime, const void* x, ternary_dtype x_dtype,
                                                  int64_t ldx, const float* x_scale, const float* alpha_column,
                                                  int8_t* q, int64_t ldq, float* s, int64_t M, int64_t K,
                                                  const ternary_cuda_call* call) {
  return guarded([&] {
    Accelerator& device = device_of(runtime, "ternary_quantise_activations_async");
    const ActivationTask task = quantise_task(x, x_dtype, ldx, x_scale, alpha_column, q, ldq, s, K);
    check_quantise(task, M);
    device.start_quantise(*runtime, task, M, call_of(call));
  });
}

ternary_status ternary_predict(const ternary_runtime* runtime, const char* device, ternary_layout layout,
                               ternary_activation activation, int64_t M, int64_t N, int64_t K,
                               ternary_prediction* prediction) {
  return guarded([&] {
    check_pointer("prediction", prediction, alignof(ternary_prediction));
    check_layout(layout);
    check_activation(activation);
    check_rows(M);
    check_shape(N, K);
    const std::optional<ternary_prediction> known =
        device == nullptr ? device_of(runtime, "ternary_predict").predict(layout, activation, M, N, K)
                          : CudaCost(device).predict(layout, activation, M, N, K);
    if (!known) {
      fail(TERNARY_UNSUPPORTED,
           "M is %" PRId64
           " and the budget of machine code has no line of a kernel for so many rows with this layout "
           "and activation; it must have one",
           M);
    }
    *prediction = *known;
  });
}
