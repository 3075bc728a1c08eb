/**
 * @file operands.h
 * @brief The structs of the C interface for dense rows: what a test sets besides, it sets after.
 */
#ifndef TERNARY_TESTS_SUPPORT_OPERANDS_H_
#define TERNARY_TESTS_SUPPORT_OPERANDS_H_

#include "ternary/ternary.h"

namespace ternary::test {

/** A layer of weights alone. */
inline ternary_layer_spec plain_layer(const ternary_weights* weights, ternary_activation activation) {
  ternary_layer_spec spec = {};
  spec.size = sizeof spec;
  spec.weights = weights;
  spec.activation = activation;
  return spec;
}

/** X and Y. */
inline ternary_operands product_of(const void* x, ternary_dtype x_dtype, int64_t ldx, void* y, ternary_dtype y_dtype,
                                   int64_t ldy, int64_t M) {
  ternary_operands operands = {};
  operands.size = sizeof operands;
  operands.M = M;
  operands.x = x;
  operands.ldx = ldx;
  operands.y = y;
  operands.ldy = ldy;
  operands.x_dtype = x_dtype;
  operands.y_dtype = y_dtype;
  return operands;
}

/** X, q and s. */
inline ternary_quantise_operands quantised(const void* x, ternary_dtype x_dtype, int64_t ldx, void* q, int64_t ldq,
                                           void* s, int64_t M, int64_t K) {
  ternary_quantise_operands operands = {};
  operands.size = sizeof operands;
  operands.M = M;
  operands.K = K;
  operands.x = x;
  operands.ldx = ldx;
  operands.q = static_cast<int8_t*>(q);
  operands.ldq = ldq;
  operands.s = static_cast<float*>(s);
  operands.x_dtype = x_dtype;
  return operands;
}

}  // namespace ternary::test

#endif  // TERNARY_TESTS_SUPPORT_OPERANDS_H_
