/**
 * @file cublaslt.h
 * @brief cuBLASLt's bf16 product, the baseline of cuda_bench where the machine has cuBLASLt: loaded, never linked.
 */
#ifndef TERNARY_BENCH_CUBLASLT_H_
#define TERNARY_BENCH_CUBLASLT_H_

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace ternary::bench {

/** Y[M,N] = X[M,K] . W[N,K]^T, all bf16 and row-major, sums in fp32. */
class CublasLt {
 public:
  /** Null if there is no libcublasLt.so.13 or .so.12, or it cannot compute a small product; `problem` says why. */
  static std::unique_ptr<CublasLt> load(std::string* problem);
  ~CublasLt();

  /** As cuBLASLt has it: 131000 is 13.10.0. */
  size_t version() const;

  /** Starts the product; false if cuBLASLt refuses it. */
  bool run(const void* x, const void* w, void* y, int64_t M, int64_t N, int64_t K, cudaStream_t stream);

 private:
  struct Functions;
  explicit CublasLt(std::unique_ptr<Functions> functions);
  std::string start();
  std::string check_small_product();

  std::unique_ptr<Functions> functions_;
  void* handle_ = nullptr;
  void* workspace_ = nullptr;
};

}  // namespace ternary::bench

#endif  // TERNARY_BENCH_CUBLASLT_H_
