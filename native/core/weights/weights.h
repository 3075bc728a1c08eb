/**
 * @file weights.h
 * @brief A packed weight matrix: one copy of the codes and its scales, immutable.
 */
#ifndef TERNARY_CORE_WEIGHTS_WEIGHTS_H_
#define TERNARY_CORE_WEIGHTS_WEIGHTS_H_

#include <atomic>
#include <cstdint>

#include "abi/kernel.h"
#include "core/base/large_memory.h"
#include "core/weights/device_copies.h"

/** Kernels know two kinds of alpha: one a row, or one a group. Tensor alpha is kept as N equal row alphas, and column
 *  alpha as a vector for the activations beside N row alphas of 1, which gives the same bits (s * 1 is exact). */
struct ternary_weights {
  ternary_weights(int64_t n, int64_t k, ternary_layout l, int64_t g);
  ternary_weights(const ternary_weights&) = delete;
  ternary_weights& operator=(const ternary_weights&) = delete;

  const float* column_alpha() const { return alpha_column.empty() ? nullptr : alpha_column.data(); }

  const int64_t N, K;
  const ternary_layout layout;
  const int64_t group;                       ///< 0 unless alpha is per group
  ternary::LargeVector<float> alpha;         ///< as GemmTask has it: [N], or groups in panels of 16 rows, zero beyond N
  ternary::LargeVector<float> alpha_column;  ///< [K] or empty
  const int64_t codes_bytes;
  const ternary::LargeMemory codes;
  mutable std::atomic<int64_t> owners{1};  ///< the handle, and every layer that has them
  mutable ternary::DeviceCopies copies;    ///< a cache, so that weights stay immutable
};

namespace ternary {

/** One owner more. */
void retain(const ternary_weights& weights) noexcept;

/** One owner less; the last one frees them. */
void release(const ternary_weights* weights) noexcept;

/** Throws unless it is a kind of the enum with the group size that goes with it. */
void check_alpha_kind(ternary_alpha_kind kind, int64_t group);

}  // namespace ternary

#endif  // TERNARY_CORE_WEIGHTS_WEIGHTS_H_
