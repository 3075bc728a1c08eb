#include "support/cuda/rows.h"

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "support/cuda/device_memory.h"

namespace ternary::test {
namespace {

std::vector<const CudaBackend*> loaded;

template <typename Visit>
void each_row(Visit visit) {
  for (const CudaBackend* library : loaded) {
    for (int row = 0; row < library->kernel_count; ++row) visit(library->kernels[row]);
  }
}

}  // namespace

const CudaBackend& cuda_backend() { return *loaded[0]; }

std::vector<const CudaKernel*> cuda_rows(CudaStage stage) {
  std::vector<const CudaKernel*> rows;
  each_row([&](const CudaKernel& kernel) {
    if (kernel.stage == stage) rows.push_back(&kernel);
  });
  return rows;
}

std::vector<const CudaKernel*> gemv_rows(CudaStage stage) {
  std::vector<const CudaKernel*> rows;
  for (const CudaKernel* kernel : cuda_rows(stage)) {
    if (std::strncmp(kernel->file, "gemv_", 5) == 0) rows.push_back(kernel);
  }
  return rows;
}

bool has_clusters() { return std::atoi(cuda_backend().arch + 2) >= 90; }

const CudaKernel& cuda_row(const char* file) {
  const CudaKernel* found = nullptr;
  each_row([&](const CudaKernel& kernel) {
    if (std::strcmp(kernel.file, file) == 0) found = &kernel;
  });
  if (found != nullptr) return *found;
  std::fprintf(stderr, "the libraries for %s have no row %s\n", loaded[0]->arch, file);
  std::exit(EXIT_FAILURE);
}

CudaPlan planned(const CudaKernel& kernel, const CudaProblem& problem) {
  CudaPlan plan;
  kernel.plan(problem, &plan);
  return plan;
}

Reason refusal(const CudaKernel& kernel, const CudaProblem& problem) {
  CudaPlan plan;
  return kernel.plan(problem, &plan);
}

namespace {

/** Loads a library of GPU kernels and makes it ready, or ends the process. `other`: no matter if the device has no use
 *  for its code. */
void load(const char* file, bool other) {
  void* library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
  const auto open =
      library == nullptr ? nullptr : reinterpret_cast<CudaBackendFn>(dlsym(library, "ternary_cuda_backend"));
  const CudaBackend* backend = open == nullptr ? nullptr : open(kCudaBackendAbi);
  if (backend == nullptr) {
    std::fprintf(stderr, "%s is no GPU backend of this version: %s\n", file,
                 library == nullptr ? dlerror() : "refused");
    std::exit(EXIT_FAILURE);
  }
  if (open(kCudaBackendAbi + 1) != nullptr) {
    std::fprintf(stderr, "%s accepts a foreign ABI version\n", file);
    std::exit(EXIT_FAILURE);
  }
  const int error = backend->prepare(device_limits().shared_bytes);
  if (other && error == cudaErrorNoKernelImageForDevice) {
    cudaGetLastError();
    return;
  }
  require_cuda(error, file);
  loaded.push_back(backend);
}

}  // namespace
}  // namespace ternary::test

/** The first library of an architecture, then others, which need not be made for it. */
int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  ternary::test::load(argc > 1 ? argv[1] : "no library", false);
  for (int i = 2; i < argc; ++i) ternary::test::load(argv[i], true);
  return RUN_ALL_TESTS();
}
