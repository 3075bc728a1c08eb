/** The products of the C interface: arguments to a Product, checks, then dispatch or the oracle. */
#include <type_traits>
#include <vector>

#include "abi/dtype.h"
#include "core/base/argument.h"
#include "core/base/failure.h"
#include "core/base/float_environment.h"
#include "core/product/arguments_of.h"
#include "core/product/oracle.h"
#include "core/product/product.h"
#include "core/runtime/dispatch.h"

namespace ternary {
namespace {

template <typename T>
T* row_of(T* matrix, ternary_dtype dtype, int64_t ld, int64_t m) {
  using Byte = std::conditional_t<std::is_const_v<T>, const char, char>;
  return matrix == nullptr ? nullptr : static_cast<Byte*>(matrix) + m * ld * dtype_bytes(dtype);
}

/** The product of one row of X. */
Product product_of_row(Product product, int64_t m) {
  product.x = row_of(product.x, product.x_dtype, product.ldx, m);
  product.x_scale = product.x_scale == nullptr ? nullptr : product.x_scale + m;
  product.residual = row_of(product.residual, product.residual_dtype, product.ld_residual, m);
  product.residual_out = row_of(product.residual_out, product.residual_dtype, product.ld_residual, m);
  product.y = row_of(product.y, product.y_dtype, product.ldy, m);
  product.M = 1;
  return product;
}

/** Row by row, so that its memory does not grow with M. */
void run_oracle(const Product& product) {
  const FloatEnvironment environment;
  const int64_t K = product.weights->K;
  const bool a8 = product.activation == TERNARY_A8;
  std::vector<int8_t> q(a8 ? K : 0);
  std::vector<float> f(a8 ? 0 : K);
  float s = 0;
  for (int64_t m = 0; m < product.M; ++m) {
    const Product row = product_of_row(product, m);
    ActivationTask activations = row.activation_task();
    GemmTask gemm = row.gemm_task();
    gemm.ldq = activations.ldq = gemm.ldf = activations.ldf = activations.padded = K;
    if (a8) {
      gemm.q = activations.q = q.data();
      gemm.s = activations.s = &s;
    } else {
      gemm.f = activations.f = f.data();
    }
    oracle::activations(activations, 1);
    oracle::gemm(gemm, row.weights->layout);
  }
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
    if (Accelerator* device = runtime->accelerator()) return device->run(*runtime, product);
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
    if (Accelerator* device = runtime->accelerator()) return device->run(*runtime, product);
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
    if (Accelerator* device = runtime->accelerator()) return device->quantise(*runtime, task, M);
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
