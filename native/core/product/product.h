/**
 * @file product.h
 * @brief The arguments of a product as one value, and their checks.
 */
#ifndef TERNARY_CORE_PRODUCT_PRODUCT_H_
#define TERNARY_CORE_PRODUCT_PRODUCT_H_

#include "abi/kernel.h"
#include "core/weights/weights.h"

namespace ternary {

/** What ternary_linear() and ternary_rmsnorm_linear() are given. */
struct Product {
  const ternary_weights* weights;
  ternary_activation activation;
  const void* x;
  ternary_dtype x_dtype;
  int64_t ldx;
  const float* x_scale;
  const void* residual;
  void* residual_out;
  ternary_dtype residual_dtype;
  int64_t ld_residual;
  const float* norm_weight;  ///< null for linear
  float eps;
  const float* bias;
  void* y;
  ternary_dtype y_dtype;
  int64_t ldy;
  int64_t M;
  bool norm;

  /** The activations' part of the work; outputs are not set. */
  ActivationTask activation_task() const;
  /** The product's part; inputs from the activations are not set. */
  GemmTask gemm_task() const;
};

/** What ternary_quantise_activations() is given: the task has every field set. */
void check_quantise(const ActivationTask& task, int64_t M);

/** 1 <= M < 2^31. */
void check_rows(int64_t M);

/** Throws a Failure for the first rule that the arguments break. Reads no matrix. */
void check_product(const Product& product);

}  // namespace ternary

#endif  // TERNARY_CORE_PRODUCT_PRODUCT_H_
