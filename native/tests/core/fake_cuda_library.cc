// A library of GPU kernels without kernels: of the version FAKE_ABI, whose prepare() says FAKE_ERROR.
#include "abi/cuda_kernel.h"

namespace ternary {
namespace {

int prepare(int) { return FAKE_ERROR; }

constexpr CudaBackend kBackend = {"fake", false, prepare, nullptr, 0};

}  // namespace

extern "C" const CudaBackend* ternary_cuda_backend(int32_t abi) { return abi == FAKE_ABI ? &kBackend : nullptr; }

}  // namespace ternary
