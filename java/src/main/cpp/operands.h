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

/** ternary_moe_create(). */
inline ternary_status moe_create(const ternary_weights* w13, const ternary_weights* w2, ternary_gate_order gate_order,
                                 ternary_gate_function gate_function, float clamp, ternary_dtype round_gate_up,
                                 ternary_dtype round_activation, ternary_dtype round_product,
                                 ternary_dtype round_expert, int32_t weight_on_input, int32_t weight_before_rounding,
                                 float scaling, int32_t skip_combine, ternary_activation activation, int64_t block,
                                 int64_t rotation13, const float* signs13, int64_t rotation2, const float* signs2,
                                 ternary_moe** moe) {
  ternary_moe_spec spec = {};
  spec.size = sizeof(spec);
  spec.w13 = w13;
  spec.w2 = w2;
  spec.gate_order = gate_order;
  spec.gate_function = gate_function;
  spec.clamp = clamp;
  spec.scaling = scaling;
  spec.round_gate_up = round_gate_up;
  spec.round_activation = round_activation;
  spec.round_product = round_product;
  spec.round_expert = round_expert;
  spec.weight_on_input = weight_on_input;
  spec.weight_before_rounding = weight_before_rounding;
  spec.skip_combine = skip_combine;
  spec.activation = activation;
  spec.block = block;
  spec.rotation13 = rotation13;
  spec.signs13 = signs13;
  spec.rotation2 = rotation2;
  spec.signs2 = signs2;
  return ternary_moe_create(&spec, moe);
}

/** ternary_apply_moe(); with a call ternary_apply_moe_async(), without a runtime ternary_oracle_apply_moe(). */
inline ternary_status apply_moe(ternary_runtime* runtime, const ternary_moe* moe, const ternary_cuda_call* call,
                                int64_t M, int64_t T, const void* x, ternary_dtype x_dtype, int64_t ldx,
                                const float* x_scale, const int32_t* expert_ids, int64_t ld_ids,
                                const void* expert_weights, ternary_dtype expert_weights_dtype, int64_t ld_weights,
                                const void* residual, void* residual_out, ternary_dtype residual_dtype,
                                int64_t ld_residual, void* y, ternary_dtype y_dtype, int64_t ldy) {
  ternary_moe_operands operands = {};
  operands.size = sizeof(operands);
  operands.M = M;
  operands.T = T;
  operands.x = x;
  operands.x_dtype = x_dtype;
  operands.ldx = ldx;
  operands.x_scale = x_scale;
  operands.expert_ids = expert_ids;
  operands.ld_ids = ld_ids;
  operands.expert_weights = expert_weights;
  operands.expert_weights_dtype = expert_weights_dtype;
  operands.ld_weights = ld_weights;
  operands.residual = residual;
  operands.residual_out = residual_out;
  operands.residual_dtype = residual_dtype;
  operands.ld_residual = ld_residual;
  operands.y = y;
  operands.y_dtype = y_dtype;
  operands.ldy = ldy;
  operands.call = call;
  if (runtime == nullptr) return ternary_oracle_apply_moe(moe, &operands);
  return call == nullptr ? ternary_apply_moe(runtime, moe, &operands)
                         : ternary_apply_moe_async(runtime, moe, &operands);
}

/** ternary_route(); with a call ternary_route_async(), without a runtime ternary_oracle_route(). Of logits and x with router one is null, and its numbers 0. */
inline ternary_status route(ternary_runtime* runtime, const ternary_cuda_call* call, int64_t M, int64_t E, int64_t k,
                            const void* logits, ternary_dtype logits_dtype, int64_t ld_logits, int64_t H, const void* x,
                            ternary_dtype x_dtype, int64_t ldx, const void* router, ternary_dtype router_dtype,
                            int64_t ld_router, const float* router_bias, const float* correction_bias,
                            ternary_dtype round_logits, ternary_route_method method, ternary_group_score group_score,
                            int32_t renormalise, float renormalise_eps, int64_t groups, int64_t topk_groups,
                            float scaling, int32_t* ids, int64_t ld_ids, void* weights, ternary_dtype weights_dtype,
                            int64_t ld_weights) {
  ternary_route_operands operands = {};
  operands.size = sizeof(operands);
  operands.M = M;
  operands.E = E;
  operands.k = k;
  operands.logits = logits;
  operands.logits_dtype = logits_dtype;
  operands.ld_logits = ld_logits;
  operands.H = H;
  operands.x = x;
  operands.x_dtype = x_dtype;
  operands.ldx = ldx;
  operands.router = router;
  operands.router_dtype = router_dtype;
  operands.ld_router = ld_router;
  operands.router_bias = router_bias;
  operands.correction_bias = correction_bias;
  operands.round_logits = round_logits;
  operands.method = method;
  operands.group_score = group_score;
  operands.renormalise = renormalise;
  operands.renormalise_eps = renormalise_eps;
  operands.groups = groups;
  operands.topk_groups = topk_groups;
  operands.scaling = scaling;
  operands.ids = ids;
  operands.ld_ids = ld_ids;
  operands.weights = weights;
  operands.weights_dtype = weights_dtype;
  operands.ld_weights = ld_weights;
  operands.call = call;
  if (runtime == nullptr) return ternary_oracle_route(&operands);
  return call == nullptr ? ternary_route(runtime, &operands) : ternary_route_async(runtime, &operands);
}

/** ternary_align(); with a call ternary_align_async(), without a runtime ternary_oracle_align(). */
inline ternary_status align(ternary_runtime* runtime, const ternary_cuda_call* call, int64_t M, int64_t T, int64_t E,
                            const int32_t* expert_ids, int64_t ld_ids, int32_t* slots, int32_t* offsets) {
  ternary_align_operands operands = {};
  operands.size = sizeof(operands);
  operands.M = M;
  operands.T = T;
  operands.E = E;
  operands.expert_ids = expert_ids;
  operands.ld_ids = ld_ids;
  operands.slots = slots;
  operands.offsets = offsets;
  operands.call = call;
  if (runtime == nullptr) return ternary_oracle_align(&operands);
  return call == nullptr ? ternary_align(runtime, &operands) : ternary_align_async(runtime, &operands);
}

/** ternary_combine(); with a call ternary_combine_async(), without a runtime ternary_oracle_combine(). */
inline ternary_status combine(ternary_runtime* runtime, const ternary_cuda_call* call, int64_t M, int64_t T, int64_t H,
                              int64_t E, const void* d, ternary_dtype d_dtype, int64_t ldd, const int32_t* expert_ids,
                              int64_t ld_ids, const void* expert_weights, ternary_dtype expert_weights_dtype,
                              int64_t ld_weights, float scaling, const void* residual, void* residual_out,
                              ternary_dtype residual_dtype, int64_t ld_residual, void* y, ternary_dtype y_dtype,
                              int64_t ldy) {
  ternary_combine_operands operands = {};
  operands.size = sizeof(operands);
  operands.M = M;
  operands.T = T;
  operands.H = H;
  operands.E = E;
  operands.d = d;
  operands.d_dtype = d_dtype;
  operands.ldd = ldd;
  operands.expert_ids = expert_ids;
  operands.ld_ids = ld_ids;
  operands.expert_weights = expert_weights;
  operands.expert_weights_dtype = expert_weights_dtype;
  operands.ld_weights = ld_weights;
  operands.scaling = scaling;
  operands.residual = residual;
  operands.residual_out = residual_out;
  operands.residual_dtype = residual_dtype;
  operands.ld_residual = ld_residual;
  operands.y = y;
  operands.y_dtype = y_dtype;
  operands.ldy = ldy;
  operands.call = call;
  if (runtime == nullptr) return ternary_oracle_combine(&operands);
  return call == nullptr ? ternary_combine(runtime, &operands) : ternary_combine_async(runtime, &operands);
}

/**
 * Those with operands, which the JDK's linker calls where it must hold the arenas of the operands meanwhile: memory.cc
 * gives it their addresses by these names.
 */
#define TERNARY_HELD_FUNCTIONS(FUNCTION) \
  FUNCTION(apply)                        \
  FUNCTION(quantise)                     \
  FUNCTION(rotate) FUNCTION(qk_norm) FUNCTION(apply_moe) FUNCTION(route) FUNCTION(align) FUNCTION(combine)

#endif  // TERNARY_JAVA_OPERANDS_H_
