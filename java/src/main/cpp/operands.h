/**
 * @file operands.h
 * @brief The functions of ternary.h that take structs, for callers that have scalars: JNI's functions, which JavaCPP
 * generates from this file with every pointer a `long`, and the JDK's linker.
 */
#ifndef TERNARY_JAVA_OPERANDS_H_
#define TERNARY_JAVA_OPERANDS_H_

#include "ternary/ternary.h"

/** ternary_layer_create(). */
inline ternary_status layer_create(const ternary_weights* weights, const float* bias, const float* norm_weight,
                                   float eps, ternary_activation activation, int64_t block, int64_t rotation,
                                   const float* rotation_signs, int64_t expected_rows, ternary_layer** layer) {
  ternary_layer_spec spec = {};
  spec.size = sizeof(spec);
  spec.weights = weights;
  spec.bias = bias;
  spec.norm_weight = norm_weight;
  spec.eps = eps;
  spec.activation = activation;
  spec.block = block;
  spec.rotation = rotation;
  spec.rotation_signs = rotation_signs;
  spec.expected_rows = expected_rows;
  return ternary_layer_create(&spec, layer);
}

/** ternary_apply(); with a call ternary_apply_async(), without a runtime ternary_oracle_apply(). */
inline ternary_status apply(ternary_runtime* runtime, const ternary_layer* layer, const ternary_cuda_call* call,
                            int64_t M, const void* x, ternary_dtype x_dtype, int64_t ldx, const float* x_scale,
                            const void* residual, void* residual_out, ternary_dtype residual_dtype, int64_t ld_residual,
                            void* y, ternary_dtype y_dtype, int64_t ldy) {
  ternary_operands operands = {};
  operands.size = sizeof(operands);
  operands.M = M;
  operands.x = x;
  operands.x_dtype = x_dtype;
  operands.ldx = ldx;
  operands.x_scale = x_scale;
  operands.residual = residual;
  operands.residual_out = residual_out;
  operands.residual_dtype = residual_dtype;
  operands.ld_residual = ld_residual;
  operands.y = y;
  operands.y_dtype = y_dtype;
  operands.ldy = ldy;
  operands.call = call;
  if (runtime == nullptr) return ternary_oracle_apply(layer, &operands);
  return call == nullptr ? ternary_apply(runtime, layer, &operands) : ternary_apply_async(runtime, layer, &operands);
}

/** ternary_quantise(); with a call ternary_quantise_async(), without a runtime ternary_oracle_quantise(). */
inline ternary_status quantise(ternary_runtime* runtime, const ternary_cuda_call* call, int64_t M, int64_t K,
                               const void* x, ternary_dtype x_dtype, int64_t ldx, const float* x_scale,
                               int64_t rotation, const float* rotation_signs, const float* alpha_column, int64_t block,
                               int8_t* q, int64_t ldq, float* s) {
  ternary_quantise_operands operands = {};
  operands.size = sizeof(operands);
  operands.M = M;
  operands.K = K;
  operands.x = x;
  operands.x_dtype = x_dtype;
  operands.ldx = ldx;
  operands.x_scale = x_scale;
  operands.rotation = rotation;
  operands.rotation_signs = rotation_signs;
  operands.alpha_column = alpha_column;
  operands.block = block;
  operands.q = q;
  operands.ldq = ldq;
  operands.s = s;
  operands.call = call;
  if (runtime == nullptr) return ternary_oracle_quantise(&operands);
  return call == nullptr ? ternary_quantise(runtime, &operands) : ternary_quantise_async(runtime, &operands);
}

/** ternary_rotate(); with a call ternary_rotate_async(), without a runtime ternary_oracle_rotate(). */
inline ternary_status rotate(ternary_runtime* runtime, const ternary_cuda_call* call, int64_t M, int64_t K,
                             const void* x, ternary_dtype x_dtype, int64_t ldx, const float* x_scale, int64_t rotation,
                             const float* signs, int32_t inverse, void* y, ternary_dtype y_dtype, int64_t ldy) {
  ternary_rotate_operands operands = {};
  operands.size = sizeof(operands);
  operands.M = M;
  operands.K = K;
  operands.x = x;
  operands.x_dtype = x_dtype;
  operands.ldx = ldx;
  operands.x_scale = x_scale;
  operands.rotation = rotation;
  operands.signs = signs;
  operands.inverse = inverse;
  operands.y = y;
  operands.y_dtype = y_dtype;
  operands.ldy = ldy;
  operands.call = call;
  if (runtime == nullptr) return ternary_oracle_rotate(&operands);
  return call == nullptr ? ternary_rotate(runtime, &operands) : ternary_rotate_async(runtime, &operands);
}

/** ternary_qk_norm(); with a call ternary_qk_norm_async(), without a runtime ternary_oracle_qk_norm(). */
inline ternary_status qk_norm(ternary_runtime* runtime, const ternary_cuda_call* call, int64_t M, int64_t head_dim,
                              void* q, ternary_dtype q_dtype, int64_t ldq, int64_t q_heads, const float* q_weight,
                              float q_eps, void* k, ternary_dtype k_dtype, int64_t ldk, int64_t k_heads,
                              const float* k_weight, float k_eps) {
  ternary_qk_norm_operands operands = {};
  operands.size = sizeof(operands);
  operands.M = M;
  operands.head_dim = head_dim;
  operands.q = {q, ldq, q_heads, q_weight, q_eps, q_dtype};
  operands.k = {k, ldk, k_heads, k_weight, k_eps, k_dtype};
  operands.call = call;
  if (runtime == nullptr) return ternary_oracle_qk_norm(&operands);
  return call == nullptr ? ternary_qk_norm(runtime, &operands) : ternary_qk_norm_async(runtime, &operands);
}

/**
 * Those with operands, which the JDK's linker calls where it must hold the arenas of the operands meanwhile: memory.cc
 * gives it their addresses by these names.
 */
#define TERNARY_HELD_FUNCTIONS(FUNCTION) FUNCTION(apply) FUNCTION(quantise) FUNCTION(rotate) FUNCTION(qk_norm)

#endif  // TERNARY_JAVA_OPERANDS_H_
