/**
 * @file layer.h
 * @brief A layer: weights, and what a product with them does besides. Immutable, and of no runtime.
 */
#ifndef TERNARY_CORE_PRODUCT_LAYER_H_
#define TERNARY_CORE_PRODUCT_LAYER_H_

#include <vector>

#include "core/weights/weights.h"

struct ternary_layer {
  /** From a spec that check_spec() has let pass. */
  explicit ternary_layer(const ternary_layer_spec& spec);
  ~ternary_layer();
  ternary_layer(const ternary_layer&) = delete;
  ternary_layer& operator=(const ternary_layer&) = delete;

  const float* bias() const { return bias_.empty() ? nullptr : bias_.data(); }
  /** Null: X is not normalised. */
  const float* norm_weight() const { return norm_weight_.empty() ? nullptr : norm_weight_.data(); }
  bool has_norm() const { return !norm_weight_.empty(); }
  /** Null: a rotation has none. */
  const float* signs() const { return signs_.empty() ? nullptr : signs_.data(); }
  /** Those of bias, norm and signs. */
  int64_t bytes() const {
    return static_cast<int64_t>((bias_.size() + norm_weight_.size() + signs_.size()) * sizeof(float));
  }

  const ternary_weights& weights;  ///< retained
  const ternary_activation activation;
  const float eps;
  const int64_t expected_rows;           ///< of X of the calls that it is for; 0: 1 to 16
  const int64_t block;                   ///< columns of X of a scale; 0: a scale a row
  const int64_t rotation;                ///< columns of X that are rotated together; 0: none are
  mutable ternary::DeviceCopies copies;  ///< of the vectors: a cache, so that layers stay immutable

 private:
  const std::vector<float> bias_, norm_weight_, signs_;
};

namespace ternary {

/** Size of ternary_layer_spec in 0.2.0, the first version that had it. */
inline constexpr size_t kFirstSpecBytes = 40;

/** Of an argument `block`: 0, or a multiple of 32 up to 2^24. */
void check_block(int64_t block);

/** A block of a layer whose weights have groups of `group` columns; `whose` is "the weights' group". */
void check_block_of(int64_t block, ternary_activation activation, int64_t group, const char* whose);

/** Finite and greater than 0. */
void check_eps(const char* name, float eps);

/** Throws a Failure for the first rule that a spec breaks. */
void check_spec(const ternary_layer_spec& spec);

}  // namespace ternary

#endif  // TERNARY_CORE_PRODUCT_LAYER_H_
