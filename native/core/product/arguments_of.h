/**
 * @file arguments_of.h
 * @brief The parameters of the C functions for products as one value.
 */
#ifndef TERNARY_CORE_PRODUCT_ARGUMENTS_OF_H_
#define TERNARY_CORE_PRODUCT_ARGUMENTS_OF_H_

#include "core/product/product.h"

namespace ternary {

inline Product linear_product(const ternary_weights* weights, ternary_activation activation, const void* x,
                              ternary_dtype x_dtype, int64_t ldx, const float* x_scale, const float* bias, void* y,
                              ternary_dtype y_dtype, int64_t ldy, int64_t M) {
  Product product = {};
  product.weights = weights;
  product.activation = activation;
  product.x = x;
  product.x_dtype = x_dtype;
  product.ldx = ldx;
  product.x_scale = x_scale;
  product.bias = bias;
  product.y = y;
  product.y_dtype = y_dtype;
  product.ldy = ldy;
  product.M = M;
  return product;
}

inline void add_norm(Product& product, const void* residual, void* residual_out, ternary_dtype residual_dtype,
                     int64_t ld_residual, const float* norm_weight, float eps) {
  product.norm = true;
  product.residual = residual;
  product.residual_out = residual_out;
  product.residual_dtype = residual_dtype;
  product.ld_residual = ld_residual;
  product.norm_weight = norm_weight;
  product.eps = eps;
}

inline ActivationTask quantise_task(const void* x, ternary_dtype x_dtype, int64_t ldx, const float* x_scale,
                                    const float* alpha_column, int8_t* q, int64_t ldq, float* s, int64_t K) {
  ActivationTask task = {};
  task.x = x;
  task.x_dtype = x_dtype;
  task.ldx = ldx;
  task.x_scale = x_scale;
  task.alpha_column = alpha_column;
  task.K = K;
  task.q = q;
  task.ldq = ldq;
  task.padded = K;
  task.s = s;
  return task;
}

}  // namespace ternary

#endif  // TERNARY_CORE_PRODUCT_ARGUMENTS_OF_H_
