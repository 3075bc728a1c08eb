/**
 * @file cublaslt.h
 * @brief cuBLASLt's dense products, the baseline of cuda_bench where the machine has cuBLASLt: loaded, never linked.
 */
#ifndef TERNARY_BENCH_CUBLASLT_H_
#define TERNARY_BENCH_CUBLASLT_H_

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace ternary::bench {

/** Y[M,N] = X[M,K] . W[N,K]^T, row-major. */
class CublasLt {
 public:
  /** bf16: X, W and Y, sums in fp32. int8: X and W, sums and Y in int32; N and K are multiples of 4. */
  enum class Type { bf16, int8 };
  /** Of an element of X and W. */
  static int64_t bytes_of(Type type) { return type == Type::bf16 ? 2 : 1; }

  /** Null if there is no libcublasLt.so.13 or .so.12, or it cannot compute a small bf16 product; `problem` says why. */
  static std::unique_ptr<CublasLt> load(std::string* problem);
  ~CublasLt();

  /** As cuBLASLt has it: 131000 is 13.10.0. */
  size_t version() const;

  /** Starts the product; false if cuBLASLt refuses it, as it does all of int8 where a small one came out wrong. */
  bool run(Type type, const void* x, const void* w, void* y, int64_t M, int64_t N, int64_t K, cudaStream_t stream);

 private:
  struct Functions;
  explicit CublasLt(std::unique_ptr<Functions> functions);
  std::string start();
  std::string check_small_product(Type type);

  std::unique_ptr<Functions> functions_;
  void* handle_ = nullptr;
  void* workspace_ = nullptr;
  bool int8_works_ = true;
};

}  // namespace ternary::bench

#endif  // TERNARY_BENCH_CUBLASLT_H_
