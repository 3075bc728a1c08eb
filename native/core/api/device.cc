/** The functions of the C interface that belong to a GPU. */
#include <cinttypes>
#include <optional>

#include "core/api/device_of.h"
#include "core/base/argument.h"
#include "core/base/failure.h"
#include "core/cost/cost.h"
#include "core/product/product.h"
#include "core/weights/layout.h"

namespace ternary {

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

}  // namespace ternary

using namespace ternary;

ternary_status ternary_prepare(ternary_runtime* runtime, const ternary_layer* layer) {
  return guarded([&] {
    check_runtime(runtime);
    check_layer(layer);
    if (Accelerator* device = runtime->accelerator()) device->prepare(*runtime, *layer);
  });
}

ternary_status ternary_workspace_bytes(ternary_runtime* runtime, const ternary_layer* layer, int64_t M,
                                       int64_t* bytes) {
  return guarded([&] {
    const Accelerator& device = device_of(runtime, "ternary_workspace_bytes");
    check_layer(layer);
    check_pointer("bytes", bytes, alignof(int64_t));
    check_rows(M);
    *bytes = device.workspace_bytes(*layer, M);
  });
}

ternary_status ternary_apply_async(ternary_runtime* runtime, const ternary_layer* layer,
                                   const ternary_operands* operands) {
  return guarded([&] {
    Accelerator& device = device_of(runtime, "ternary_apply_async");
    ternary_operands room;
    const Product product = {check_layer(layer), check_operands(*layer, operands, room)};
    device.start(*runtime, product, call_of(product.operands.call));
    if (runtime->shadow != nullptr) runtime->shadow->count_unsampled();
  });
}

ternary_status ternary_synchronise(ternary_runtime* runtime, void* stream) {
  return guarded([&] { device_of(runtime, "ternary_synchronise").synchronise(stream); });
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
