// A library of GPU kernels with faults: launches the real ones (TERNARY_REAL_BACKEND), then has bytes of Y overwritten on the
// stream where a test has planted it.
#include <cuda_runtime_api.h>
#include <dlfcn.h>

#include <array>
#include <utility>

#include "abi/cuda_kernel.h"
#include "abi/dtype.h"
#include "recheck/faults.h"

namespace ternary::test {
namespace {

const CudaBackend* real = nullptr;
std::array<CudaKernel, kMostPlanted> rows;

/** 0x3b in every byte: a small number of any type. */
int spoil(int row, const CudaGemmTask& task, const CudaLaunch& launch, int error) {
  const Fault& fault = faults[row];
  if (error != 0 || !hits(fault, Fault::Where::y, task.M)) return error;
  for (int64_t m = 0; m < task.M; ++m) {
    if (fault.m >= 0 && fault.m != m) continue;
    const int64_t bytes = dtype_bytes(task.y_dtype);
    const auto at = static_cast<uint8_t*>(task.y) + (m * task.ldy + fault.n) * bytes;
    error = cudaMemsetAsync(at, 0x3b, bytes, static_cast<cudaStream_t>(launch.stream));
  }
  return error;
}

template <int row>
int gemm(const CudaGemmTask& task, const CudaPlan& plan, const CudaLaunch& launch) {
  return spoil(row, task, launch, real->kernels[row].gemm(task, plan, launch));
}

template <int row>
int fused(const CudaFusedTask& task, const CudaPlan& plan, const CudaLaunch& launch) {
  return spoil(row, task.gemm, launch, real->kernels[row].fused(task, plan, launch));
}

/** Gates and ups, or d, of a slot: where another kernel reads them. One that does their end itself has no moment between. */
template <int row>
int experts(const CudaExpertsTask& task, const CudaLaunch& launch) {
  const int error = real->kernels[row].rows.experts(task, launch);
  if (task.end == CudaExpertsEnd::sum) {
    CudaGemmTask sum = task.gemm;
    sum.y = task.sum.rows.y, sum.y_dtype = task.sum.rows.y_dtype, sum.ldy = task.sum.rows.ldy, sum.M = task.sum.M;
    return spoil(row, sum, launch, error);
  }
  return task.end == CudaExpertsEnd::gate ? error : spoil(row, task.gemm, launch, error);
}

template <int... row>
void wrap(std::integer_sequence<int, row...>) {
  const auto one = [](int i, CudaGemmFn product, CudaFusedFn both, CudaExpertsFn of_experts) {
    if (i >= real->kernel_count) return;
    rows[i] = real->kernels[i];
    if (rows[i].gemm != nullptr) rows[i].gemm = product;
    if (rows[i].fused != nullptr) rows[i].fused = both;
    if (rows[i].multiplies() && !rows[i].product()) rows[i].rows = CudaRowsFn(of_experts);
  };
  (one(row, gemm<row>, fused<row>, experts<row>), ...);
}

const CudaBackend* open(int32_t abi) {
  void* library = dlopen(TERNARY_REAL_BACKEND, RTLD_NOW | RTLD_LOCAL);
  const auto backend =
      library == nullptr ? nullptr : reinterpret_cast<CudaBackendFn>(dlsym(library, "ternary_cuda_backend"));
  real = backend == nullptr ? nullptr : backend(abi);
  if (real == nullptr || real->kernel_count > kMostPlanted) return nullptr;
  wrap(std::make_integer_sequence<int, kMostPlanted>());
  static CudaBackend planted;
  planted = *real;
  planted.kernels = rows.data();
  return &planted;
}

}  // namespace
}  // namespace ternary::test

namespace ternary {

extern "C" TERNARY_API const CudaBackend* ternary_cuda_backend(int32_t abi) { return test::open(abi); }

extern "C" TERNARY_API void ternary_plant(int32_t row, const test::Fault* fault) { test::faults[row] = *fault; }

}  // namespace ternary
