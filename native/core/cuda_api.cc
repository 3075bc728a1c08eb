/** The functions of the C interface that belong to a GPU. */
#include <cinttypes>

#include "core/argument.h"
#include "core/failure.h"
#include "core/runtime.h"
#include "core/weights.h"

namespace ternary {
namespace {

/** The GPU of a runtime; throws if it has none. */
CudaRuntime& cuda_of(const ternary_runtime* runtime, const char* function) {
  check_runtime(runtime);
  if (runtime->cuda != nullptr) return *runtime->cuda;
  fail(TERNARY_UNSUPPORTED, "%s needs a GPU, and this runtime's products run on the CPU (TERNARY_DEVICE is \"%s\"%s%s)",
       function, runtime->settings.device.text.c_str(), runtime->no_cuda.reason.empty() ? "" : "; ",
       runtime->no_cuda.reason.c_str());
}

}  // namespace
}  // namespace ternary

using namespace ternary;

ternary_status ternary_weights_prepare(ternary_runtime* runtime, const ternary_weights* weights) {
  return guarded([&] {
    check_runtime(runtime);
    check_pointer("weights", weights, alignof(ternary_weights));
    if (runtime->cuda != nullptr) fail(TERNARY_UNSUPPORTED, "no kernel of this GPU serves weights yet");
  });
}

ternary_status ternary_workspace_bytes(ternary_runtime* runtime, const ternary_weights*, ternary_activation, int64_t,
                                       int64_t*) {
  return guarded([&] {
    cuda_of(runtime, "ternary_workspace_bytes");
    fail(TERNARY_UNSUPPORTED, "no kernel of this GPU serves products yet");
  });
}

ternary_status ternary_linear_async(ternary_runtime* runtime, const ternary_weights*, ternary_activation, const void*,
                                    ternary_dtype, int64_t, const float*, const float*, void*, ternary_dtype, int64_t,
                                    int64_t, const ternary_cuda_call*) {
  return guarded([&] {
    cuda_of(runtime, "ternary_linear_async");
    fail(TERNARY_UNSUPPORTED, "no kernel of this GPU serves products yet");
  });
}

ternary_status ternary_rmsnorm_linear_async(ternary_runtime* runtime, const ternary_weights*, ternary_activation,
                                            const void*, ternary_dtype, int64_t, const float*, const void*, void*,
                                            ternary_dtype, int64_t, const float*, float, const float*, void*,
                                            ternary_dtype, int64_t, int64_t, const ternary_cuda_call*) {
  return guarded([&] {
    cuda_of(runtime, "ternary_rmsnorm_linear_async");
    fail(TERNARY_UNSUPPORTED, "no kernel of this GPU serves products yet");
  });
}

ternary_status ternary_quantise_activations_async(ternary_runtime* runtime, const void*, ternary_dtype, int64_t,
                                                  const float*, const float*, int8_t*, int64_t, float*, int64_t, int64_t,
                                                  const ternary_cuda_call*) {
  return guarded([&] {
    cuda_of(runtime, "ternary_quantise_activations_async");
    fail(TERNARY_UNSUPPORTED, "no kernel of this GPU serves activations yet");
  });
}

ternary_status ternary_predict(const ternary_runtime* runtime, const char*, ternary_layout, ternary_activation, int64_t,
                               int64_t, int64_t, ternary_prediction*) {
  return guarded([&] {
    cuda_of(runtime, "ternary_predict");
    fail(TERNARY_UNSUPPORTED, "the cost model has no device yet");
  });
}
