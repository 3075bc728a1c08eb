#include "bench/cublaslt.h"

#include <dlfcn.h>

#include <cstring>
#include <type_traits>
#include <utility>
#include <vector>

namespace ternary::bench {
namespace {

// The few values of cublasLt.h that are used; its ABI has kept them since CUDA 11. Compared with the header of
// nvidia-cublas 13.10.0.20 (CUDA 13.1), as were the signatures below, and all functions but the product called on its
// library.
constexpr int kComputeF32 = 68, kComputeI32 = 72, kTransposeA = 3, kTranspose = 1;
constexpr int kTypeF32 = 0, kTypeI8 = 3, kTypeI32 = 10, kTypeBf16 = 14;
constexpr size_t kWorkspaceBytes = size_t{32} << 20;

uint16_t bf16(int value) {
  const float f = static_cast<float>(value);
  uint32_t bits;
  std::memcpy(&bits, &f, sizeof bits);
  return static_cast<uint16_t>(bits >> 16);
}

/** Appends a whole number as an element of X or W, or of Y if `sum`. */
void append(std::vector<uint8_t>& bytes, CublasLt::Type type, bool sum, int value) {
  const auto put = [&](const auto element) {
    const auto* begin = reinterpret_cast<const uint8_t*>(&element);
    bytes.insert(bytes.end(), begin, begin + sizeof element);
  };
  if (type == CublasLt::Type::bf16) return put(bf16(value));
  if (sum) return put(static_cast<int32_t>(value));
  put(static_cast<int8_t>(value));
}

}  // namespace

struct CublasLt::Functions {
  size_t (*version)();
  int (*create)(void** handle);
  int (*destroy)(void* handle);
  int (*desc_create)(void** desc, int compute, int scale);
  int (*desc_set)(void* desc, int attribute, const void* value, size_t bytes);
  int (*desc_destroy)(void* desc);
  int (*layout_create)(void** layout, int type, uint64_t rows, uint64_t columns, int64_t ld);
  int (*layout_destroy)(void* layout);
  int (*matmul)(void* handle, void* desc, const void* alpha, const void* a, void* a_layout, const void* b,
                void* b_layout, const void* beta, const void* c, void* c_layout, void* d, void* d_layout,
                const void* algorithm, void* workspace, size_t workspace_bytes, cudaStream_t stream);

  /** False if one is missing. */
  bool find(void* library) {
    const auto set = [&](auto& function, const char* name) {
      function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(library, name));
      return function != nullptr;
    };
    return set(version, "cublasLtGetVersion") && set(create, "cublasLtCreate") && set(destroy, "cublasLtDestroy") &&
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
  *problem = made->start();
  if (problem->empty()) *problem = made->check_small_product(Type::bf16);
  if (!problem->empty()) {
    made.reset();
  } else {
    made->int8_works_ = made->check_small_product(Type::int8).empty();
  }
  return made;
}

std::string CublasLt::start() {
  if (const int status = functions_->create(&handle_); status != 0) {
    handle_ = nullptr;
    return "refuses to start: cublasLtCreate gives " + std::to_string(status);
  }
  const cudaError_t error = cudaMalloc(&workspace_, kWorkspaceBytes);
  return error == cudaSuccess ? "" : std::string("got no workspace: ") + cudaGetErrorString(error);
}

/** A baseline that computed something else would be timed for nothing: whole numbers, which bf16 holds, by ==. */
std::string CublasLt::check_small_product(Type type) {
  constexpr int M = 3, N = 16, K = 32;
  const auto x_at = [](int m, int k) { return (5 * m + 3 * k) % 7 - 3; };
  const auto w_at = [](int n, int k) { return (2 * n + n / 3 + k * k) % 3 - 1; };
  std::vector<uint8_t> x, w, expected;
  for (int m = 0; m < M; ++m) {
    for (int k = 0; k < K; ++k) append(x, type, false, x_at(m, k));
  }
  for (int n = 0; n < N; ++n) {
    for (int k = 0; k < K; ++k) append(w, type, false, w_at(n, k));
  }
  for (int m = 0; m < M; ++m) {
    for (int n = 0; n < N; ++n) {
      int sum = 0;
      for (int k = 0; k < K; ++k) sum += x_at(m, k) * w_at(n, k);  // at most 3 K = 96 of bf16's 256
      append(expected, type, true, sum);
    }
  }
  std::vector<uint8_t> y(expected.size());
  void* memory = nullptr;
  const size_t x_bytes = x.size(), w_bytes = w.size(), y_bytes = y.size();
  if (cudaMalloc(&memory, x_bytes + w_bytes + y_bytes) != cudaSuccess) return "got no memory for its check";
  char* x_device = static_cast<char*>(memory);
  char *w_device = x_device + x_bytes, *y_device = w_device + w_bytes;
  const bool ran = cudaMemcpy(x_device, x.data(), x_bytes, cudaMemcpyHostToDevice) == cudaSuccess &&
                   cudaMemcpy(w_device, w.data(), w_bytes, cudaMemcpyHostToDevice) == cudaSuccess &&
                   run(type, x_device, w_device, y_device, M, N, K, nullptr) &&
                   cudaMemcpy(y.data(), y_device, y_bytes, cudaMemcpyDeviceToHost) == cudaSuccess;
  cudaFree(memory);
  if (!ran) return "refuses a product of 3 x 16 x 32";
  return y == expected ? "" : "gives wrong bits for a product of 3 x 16 x 32";
}

size_t CublasLt::version() const { return functions_->version(); }

CublasLt::CublasLt(std::unique_ptr<Functions> functions) : functions_(std::move(functions)) {}

CublasLt::~CublasLt() {
  if (handle_ != nullptr) functions_->destroy(handle_);
  cudaFree(workspace_);
}

bool CublasLt::run(Type type, const void* x, const void* w, void* y, int64_t M, int64_t N, int64_t K,
                   cudaStream_t stream) {
  const bool whole = type == Type::int8;
  if (whole && !int8_works_) return false;
  // cuBLASLt's matrices are column-major: Y^T[N,M] = W[N,K] . X^T[K,M], where W as stored is [K,N] and is transposed.
  void *desc = nullptr, *a = nullptr, *b = nullptr, *d = nullptr;
  const int input = whole ? kTypeI8 : kTypeBf16, output = whole ? kTypeI32 : kTypeBf16;
  const float one = 1, zero = 0;  // the zero of int32 has the same bits
  const int32_t one_i32 = 1;
  const void* alpha = whole ? static_cast<const void*>(&one_i32) : &one;
  bool done = functions_->desc_create(&desc, whole ? kComputeI32 : kComputeF32, whole ? kTypeI32 : kTypeF32) == 0 &&
              functions_->desc_set(desc, kTransposeA, &kTranspose, sizeof kTranspose) == 0 &&
              functions_->layout_create(&a, input, K, N, K) == 0 &&
              functions_->layout_create(&b, input, K, M, K) == 0 && functions_->layout_create(&d, output, N, M, N) == 0;
  done = done && functions_->matmul(handle_, desc, alpha, w, a, x, b, &zero, y, d, y, d, nullptr, workspace_,
                                    kWorkspaceBytes, stream) == 0;
  for (void* layout : {a, b, d}) {
    if (layout != nullptr) functions_->layout_destroy(layout);
  }
  if (desc != nullptr) functions_->desc_destroy(desc);
  return done;
}

}  // namespace ternary::bench
