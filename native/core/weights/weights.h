/**
 * @file weights.h
 * @brief A packed weight matrix, or those of several experts: one copy of the codes and their scales, immutable.
 */
#ifndef TERNARY_CORE_WEIGHTS_WEIGHTS_H_
#define TERNARY_CORE_WEIGHTS_WEIGHTS_H_

#include <atomic>
#include <cstdint>

#include "abi/kernel.h"
#include "core/base/large_memory.h"
#include "core/weights/device_copies.h"

/**
 * Kernels know two kinds of alpha: one a row, or one a group. Tensor alpha is kept as N equal row alphas, and column
 * alpha as a vector for the activations beside N row alphas of 1, which gives the same bits (s * 1 is exact).
 *
 * Codes and scales of an expert lie at a fixed distance behind those of the one before, each as if it were alone.
 */
struct ternary_weights {
  ternary_weights(int64_t n, int64_t k, ternary_layout l, int64_t g, int64_t e = 1);
  ternary_weights(const ternary_weights&) = delete;
  ternary_weights& operator=(const ternary_weights&) = delete;

  const float* column_alpha() const { return alpha_column.empty() ? nullptr : alpha_column.data(); }

  const uint8_t* expert_codes(int64_t e) const { return codes.get() + e * expert_bytes; }
  /** As GemmTask has it. */
  const float* expert_alpha(int64_t e) const { return alpha.data() + e * alpha_stride; }
  /** [K] or null; of the gate (part 0) and of up (part 1) where each has its own. */
  const float* expert_column_alpha(int64_t e, int part) const {
    return alpha_column.empty() ? nullptr : alpha_column.data() + (e * column_alphas + part) * column_stride;
  }

  const int64_t experts;  ///< 1 unless ternary_weights_create_experts() made it
  const int64_t N, K;
  const ternary_layout layout;
  const int64_t group;                       ///< 0 unless alpha is per group
  ternary::LargeVector<float> alpha;         ///< as GemmTask has it: [N], or groups in panels of 16 rows, zero beyond N
  ternary::LargeVector<float> alpha_column;  ///< [K] or empty
  int64_t alpha_stride = 0;                  ///< of an expert, a multiple of 16; 0 where they share it
  int64_t column_stride = 0;                 ///< of a vector of alpha_column, a multiple of 16
  int column_alphas = 0;                     ///< vectors of alpha_column an expert: 2 where gate and up have their own
  const int64_t expert_bytes, codes_bytes;
  const ternary::LargeMemory codes;
  mutable std::atomic<int64_t> owners{1};  ///< the handle, and every layer that has them
  mutable ternary::DeviceCopies copies;    ///< a cache, so that weights stay immutable
};

namespace ternary {

/** One owner more. */
void retain(const ternary_weights& weights) noexcept;

/** One owner less; the last one frees them. */
void release(const ternary_weights* weights) noexcept;

inline constexpr int64_t kMaxExperts = 4096;

/** 1 to kMaxExperts. */
void check_experts(int64_t E);

/** Throws unless the matrix is one expert's, with one alpha a column. */
void check_one_expert(const ternary_weights& weights);

}  // namespace ternary

#endif  // TERNARY_CORE_WEIGHTS_WEIGHTS_H_
