#include "support/cuda/rows.h"

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "support/cuda/device_memory.h"

namespace ternary::test {
namespace {

const CudaBackend* loaded = nullptr;

}  // namespace

const CudaBackend& cuda_backend() { return *loaded; }

std::vector<const CudaKernel*> cuda_rows(CudaStage stage) {
  std::vector<const CudaKernel*> rows;
  for (int row = 0; row < loaded->kernel_count; ++row) {
    if (loaded->kernels[row].stage == stage) rows.push_back(&loaded->kernels[row]);
  }
  return rows;
}

const CudaKernel& cuda_row(const char* file) {
  for (int row = 0; row < loaded->kernel_count; ++row) {
    if (std::strcmp(loaded->kernels[row].file, file) == 0) return loaded->kernels[row];
  }
  std::fprintf(stderr, "the backend for %s has no row %s\n", loaded->arch, file);
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

}  // namespace ternary::test

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  const char* file = argc > 1 ? argv[1] : "no library";
  void* library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
  const auto open =
      library == nullptr ? nullptr : reinterpret_cast<ternary::CudaBackendFn>(dlsym(library, "ternary_cuda_backend"));
  if (open != nullptr) ternary::test::loaded = open(ternary::kCudaBackendAbi);
  if (ternary::test::loaded == nullptr) {
    std::fprintf(stderr, "%s is no GPU backend of this version: %s\n", file,
                 library == nullptr ? dlerror() : "refused");
    return EXIT_FAILURE;
  }
  if (open(ternary::kCudaBackendAbi + 1) != nullptr) {
    std::fprintf(stderr, "%s accepts a foreign ABI version\n", file);
    return EXIT_FAILURE;
  }
  ternary::test::require_cuda(ternary::test::loaded->prepare(ternary::test::device_limits().shared_bytes), file);
  return RUN_ALL_TESTS();
}
