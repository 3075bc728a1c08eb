#include "core/cuda/calls/row_call.h"

#include "core/cuda/planning.h"
#include "core/runtime/dispatch.h"

namespace ternary {

void check_row_call(const CudaDevice& device, const ternary_cuda_call& call,
                    std::initializer_list<DeviceArgument> arguments) {
  check_call(device, call, arguments);
  check_capture(device, call, 0);
}

void settle(ternary_runtime& runtime, CudaRuntime& cuda, const CudaKernel& kernel, int error, Op op, int64_t block) {
  cuda.launched(error, kernel);
  count_path(runtime, op, counted_row(runtime, cuda, kernel), block);
}

}  // namespace ternary
