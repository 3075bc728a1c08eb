#include "bench/cublaslt.h"

#include <dlfcn.h>

namespace ternary::bench {
namespace {

// The few values of cublasLt.h that are used; its ABI has kept them since CUDA 11.
constexpr int kComputeF32 = 68, kTransposeA = 3, kTranspose = 1;
constexpr int kTypeF32 = 0, kTypeBf16 = 14;
constexpr size_t kWorkspaceBytes = size_t{32} << 20;

}  // namespace

struct CublasLt::Functions {
  int (*create)(void** handle);
  int (*destroy)(void* handle);
  int (*desc_create)(void** desc, int compute, int scale);
  int (*desc_set)(void* desc, int attribute, const void* value, size_t bytes);
  int (*desc_destroy)(void* desc);
  int (*layout_create)(void** layout, int type, uint64_t rows, uint64_t columns, int64_t ld);
  int (*layout_destroy)(void* layout);
  int (*matmul)(void* handle, void* desc, const void* alpha, const void* a, void* a_layout, const void* b, void* b_layout,
                const void* beta, const void* c, void* c_layout, void* d, void* d_layout, const void* algorithm,
                void* workspace, size_t workspace_bytes, cudaStream_t stream);

  /** False if one is missing. */
  bool find(void* library) {
    const auto set = [&](auto& function, const char* name) {
      function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(library, name));
      return function != nullptr;
    };
    return set(create, "cublasLtCreate") && set(destroy, "cublasLtDestroy") &&
           set(desc_create, "cublasLtMatmulDescCreate") && set(desc_set, "cublasLtMatmulDescSetAttribute") &&
           set(desc_destroy, "cublasLtMatmulDescDestroy") && set(layout_create, "cublasLtMatrixLayoutCreate") &&
           set(layout_destroy, "cublasLtMatrixLayoutDestroy") && set(matmul, "cublasLtMatmul");
  }
};

std::unique_ptr<CublasLt> CublasLt::load(std::string* problem) {
  void* library = nullptr;
  for (const char* name : {"libcublasLt.so.13", "libcublasLt.so.12"}) {
    if (library == nullptr) library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
  }
  if (library == nullptr) {
    *problem = dlerror();
    return nullptr;
  }
  auto functions = std::make_unique<Functions>();
  if (!functions->find(library)) {
    *problem = "libcublasLt lacks a function";
    return nullptr;
  }
  std::unique_ptr<CublasLt> made(new CublasLt(std::move(functions)));
  if (made->functions_->create(&made->handle_) != 0 || cudaMalloc(&made->workspace_, kWorkspaceBytes) != cudaSuccess) {
    *problem = "cublasLtCreate or its workspace failed";
    return nullptr;
  }
  return made;
}

CublasLt::CublasLt(std::unique_ptr<Functions> functions) : functions_(std::move(functions)) {}

CublasLt::~CublasLt() {
  if (handle_ != nullptr) functions_->destroy(handle_);
  cudaFree(workspace_);
}

bool CublasLt::run(const void* x, const void* w, void* y, int64_t M, int64_t N, int64_t K, cudaStream_t stream) {
  // cuBLASLt's matrices are column-major: Y^T[N,M] = W[N,K] . X^T[K,M], where W as stored is [K,N] and is transposed.
  void *desc = nullptr, *a = nullptr, *b = nullptr, *d = nullptr;
  const float one = 1, zero = 0;
  bool done = functions_->desc_create(&desc, kComputeF32, kTypeF32) == 0 &&
              functions_->desc_set(desc, kTransposeA, &kTranspose, sizeof kTranspose) == 0 &&
              functions_->layout_create(&a, kTypeBf16, K, N, K) == 0 &&
              functions_->layout_create(&b, kTypeBf16, K, M, K) == 0 &&
              functions_->layout_create(&d, kTypeBf16, N, M, N) == 0;
  done = done && functions_->matmul(handle_, desc, &one, w, a, x, b, &zero, y, d, y, d, nullptr, workspace_,
                                    kWorkspaceBytes, stream) == 0;
  for (void* layout : {a, b, d}) {
    if (layout != nullptr) functions_->layout_destroy(layout);
  }
  if (desc != nullptr) functions_->desc_destroy(desc);
  return done;
}

}  // namespace ternary::bench
