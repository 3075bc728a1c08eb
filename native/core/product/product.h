/**
 * @file product.h
 * @brief A layer and the operands of one call of it, the one place that checks them, and what kernels are given of both.
 */
#ifndef TERNARY_CORE_PRODUCT_PRODUCT_H_
#define TERNARY_CORE_PRODUCT_PRODUCT_H_

#include "abi/kernel.h"
#include "core/product/layer.h"

namespace ternary {

/** Sizes of the structs in 0.2.0, the first version that had them. */
inline constexpr size_t kFirstOperandsBytes = 104, kFirstQuantiseBytes = 96;

struct Product {
  const ternary_layer& layer;
  const ternary_operands& operands;

  const ternary_weights& weights() const { return layer.weights; }
  int64_t M() const { return operands.M; }
  /** Columns that are summed before they are scaled; 0: all of K. */
  int64_t unit() const { return unit_columns(weights().group, layer.block); }

  /** The activations' part of the work; outputs are not set. */
  ActivationTask activation_task() const;
  /** The product's part; inputs from the activations are not set. */
  GemmTask gemm_task() const;
};

/** All that ternary_quantise() asks for. */
ActivationTask quantise_task(const ternary_quantise_operands& operands);

/** 1 <= M < 2^31. */
void check_rows(int64_t M);

/** X of a type that is not int8, with its scale. */
void check_float_x(const void* x, ternary_dtype dtype, int64_t ldx, const float* x_scale, int64_t M, int64_t K);

/** Throws if it is null. */
const ternary_layer& check_layer(const ternary_layer* layer);

/**
 * What a caller gave, itself or in `room` as this library knows it; throws a Failure for the first rule that it breaks.
 * Reads no matrix and no vector, which may lie on a device.
 */
const ternary_operands& check_operands(const ternary_layer& layer, const ternary_operands* given,
                                       ternary_operands& room);
const ternary_quantise_operands& check_quantise(const ternary_quantise_operands* given,
                                                ternary_quantise_operands& room);

}  // namespace ternary

#endif  // TERNARY_CORE_PRODUCT_PRODUCT_H_
