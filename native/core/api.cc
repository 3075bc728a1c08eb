/** The products of the C interface: arguments to a Product, checks, then dispatch or the oracle. */
#include <vector>

#include "core/argument.h"
#include "core/arguments_of.h"
#include "core/dispatch.h"
#include "core/failure.h"
#include "core/float_environment.h"
#include "core/oracle.h"
#include "core/product.h"

namespace ternary {
namespace {

void run_oracle(const Product& product) {
  const FloatEnvironment environment;
  const int64_t elements = product.M * product.weights->K;
  const bool a8 = product.activation == TERNARY_A8;
  std::vector<int8_t> q(a8 ? elements : 0);
  std::vector<float> s(a8 ? product.M : 0), f(a8 ? 0 : elements);
  ActivationTask activations = product.activation_task();
  GemmTask gemm = product.gemm_task();
  gemm.ldq = activations.ldq = gemm.ldf = activations.ldf = activations.padded = product.weights->K;
  if (a8) {
    gemm.q = activations.q = q.data();
    gemm.s = activations.s = s.data();
  } else {
    gemm.f = activations.f = f.data();
  }
  oracle::activations(activations, product.M);
  oracle::gemm(gemm, product.weights->layout);
}

}  // namespace
}  // namespace ternary

using namespace ternary;

ternary_status ternary_linear(ternary_runtime* runtime, const ternary_weights* weights, ternary_activation activation,
                              const void* x, ternary_dtype x_dtype, int64_t ldx, const float* x_scale,
                              const float* bias, void* y, ternary_dtype y_dtype, int64_t ldy, int64_t M) {
  return guarded([&] {
    check_runtime(runtime);
    const Product product = linear_product(weights, activation, x, x_dtype, ldx, x_scale, bias, y, y_dtype, ldy, M);
    check_product(product);
    if (runtime->cuda != nullptr) return run_staged_product(*runtime, product);
    run_product(*runtime, product);
  });
}

ternary_status ternary_rmsnorm_linear(ternary_runtime* runtime, const ternary_weights* weights,
                                      ternary_activation activation, const void* x, ternary_dtype x_dtype, int64_t ldx,
                                      const float* x_scale, const void* residual, void* residual_out,
                                      ternary_dtype residual_dtype, int64_t ld_residual, const float* norm_weight,
                                      float eps, const float* bias, void* y, ternary_dtype y_dtype, int64_t ldy,
                                      int64_t M) {
  return guarded([&] {
    check_runtime(runtime);
    Product product = linear_product(weights, activation, x, x_dtype, ldx, x_scale, bias, y, y_dtype, ldy, M);
    add_norm(product, residual, residual_out, residual_dtype, ld_residual, norm_weight, eps);
    check_product(product);
    if (runtime->cuda != nullptr) return run_staged_product(*runtime, product);
    run_product(*runtime, product);
  });
}

ternary_status ternary_quantise_activations(ternary_runtime* runtime, const void* x, ternary_dtype x_dtype, int64_t ldx,
                                            const float* x_scale, const float* alpha_column, int8_t* q, int64_t ldq,
                                            float* s, int64_t M, int64_t K) {
  return guarded([&] {
    check_runtime(runtime);
    const ActivationTask task = quantise_task(x, x_dtype, ldx, x_scale, alpha_column, q, ldq, s, K);
    check_quantise(task, M);
    if (runtime->cuda != nullptr) return run_staged_quantise(*runtime, task, M);
    run_quantise(*runtime, task, M);
  });
}

ternary_status ternary_oracle_linear(const ternary_weights* weights, ternary_activation activation, const void* x,
                                     ternary_dtype x_dtype, int64_t ldx, const float* x_scale, const float* bias,
                                     void* y, ternary_dtype y_dtype, int64_t ldy, int64_t M) {
  return guarded([&] {
    const Product product = linear_product(weights, activation, x, x_dtype, ldx, x_scale, bias, y, y_dtype, ldy, M);
    check_product(product);
    run_oracle(product);
  });
}

ternary_status ternary_oracle_rmsnorm_linear(const ternary_weights* weights, ternary_activation activation,
                                             const void* x, ternary_dtype x_dtype, int64_t ldx, const float* x_scale,
                                             const void* residual, void* residual_out, ternary_dtype residual_dtype,
                                             int64_t ld_residual, const float* norm_weight, float eps,
                                             const float* bias, void* y, ternary_dtype y_dtype, int64_t ldy,
                                             int64_t M) {
  return guarded([&] {
    Product product = linear_product(weights, activation, x, x_dtype, ldx, x_scale, bias, y, y_dtype, ldy, M);
    add_norm(product, residual, residual_out, residual_dtype, ld_residual, norm_weight, eps);
    check_product(product);
    run_oracle(product);
  });
}

ternary_status ternary_oracle_quantise_activations(const void* x, ternary_dtype x_dtype, int64_t ldx,
                                                   const float* x_scale, const float* alpha_column, int8_t* q,
                                                   int64_t ldq, float* s, int64_t M, int64_t K) {
  return guarded([&] {
    const FloatEnvironment environment;
    const ActivationTask task = quantise_task(x, x_dtype, ldx, x_scale, alpha_column, q, ldq, s, K);
    check_quantise(task, M);
    oracle::activations(task, M);
  });
}
