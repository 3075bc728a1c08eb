/**
 * @file plan.h
 * @brief How a product is served on the CPU: the kernel, how the work is cut, the scratch.
 */
#ifndef TERNARY_CORE_RUNTIME_PLAN_H_
#define TERNARY_CORE_RUNTIME_PLAN_H_

#include "abi/kernel.h"
#include "core/product/refusals.h"

namespace ternary {

/** How rows of X are shared out when they are made ready. */
struct RowShare {
  int64_t rows;  ///< of a chunk
  int64_t threads;
};

/** How Y is shared out: chunk c covers rows (c / n_chunks) * m_size ... and columns (c % n_chunks) * n_size ... */
struct GemmShare {
  int64_t m_size, n_size, n_chunks;
  int64_t threads;
};

/** A kernel, and those that would have been preferred. Null: none may serve. */
struct Choice {
  const Kernel* kernel = nullptr;
  Refusals<13> refusals;
};

/** Everything about a product of these sizes that does not depend on where its operands are. */
struct Plan : Choice {
  RowShare rows;
  GemmShare gemm;
  int64_t padded;              ///< columns of a row of X that are set
  int64_t ld;                  ///< an odd number of cache lines: a column of many rows then lies in many cache sets
  int64_t gemm_scratch;        ///< bytes of a thread
  int64_t table_bytes;         ///< of a row, which the kernel makes before the product
  int64_t activation_scratch;  ///< floats of all threads
  int64_t bytes;               ///< of the call's scratch
};

/** A row's stride where its columns are padded: an odd number of cache lines of q. */
inline constexpr int64_t row_stride(int64_t padded) {
  return padded / kRowPadding % 2 == 0 ? padded + kRowPadding : padded;
}

/** Floats that an ActivationFn needs for itself. */
inline constexpr int64_t activation_scratch(int64_t K) { return round_up(K, kRowPadding) + 256; }

/** Floats for all threads that may make M rows ready: more threads than rows have nothing to do. */
inline constexpr int64_t activation_scratch(int64_t K, int64_t M, int64_t threads) {
  return (M < threads ? M : threads) * activation_scratch(K);
}

}  // namespace ternary

#endif  // TERNARY_CORE_RUNTIME_PLAN_H_
