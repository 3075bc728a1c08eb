#include "core/cuda/calls/staging.h"

#include "core/cuda/calls/parcel.h"
#include "core/cuda/calls/row_ops.h"
#include "core/cuda/dispatch.h"

namespace ternary {

void run_staged_product(ternary_runtime& runtime, CudaRuntime& cuda, const Product& p) {
  const ternary_operands& o = p.operands;
  const int64_t K = p.weights().K, N = p.weights().N;
  const int64_t scales = o.M * (o.x_dtype == TERNARY_I8 ? scales_of_row(K, p.layer.block) : 1);
  Parcel parcel;
  const int64_t x = parcel.input(matrix(o.x, o.x_dtype, o.M, K, o.ldx)),
                x_scale = parcel.input(vector(o.x_scale, scales));
  ResidualParts residual(parcel, o, K);
  const int64_t y = parcel.output(matrix(o.y, o.y_dtype, o.M, N, o.ldy));
  residual.add_output(parcel);
  run_parcel(cuda, parcel, [&](uint8_t* device, const ternary_cuda_call& call) {
    ternary_operands there = o;
    set_address(there.x, device, x);
    set_address(there.x_scale, device, x_scale);
    residual.set_addresses(there, device);
    set_address(there.y, device, y);
    start_product(runtime, cuda, {p.layer, there}, call);
  });
}

void run_staged_quantise(ternary_runtime& runtime, CudaRuntime& cuda, const ternary_quantise_operands& o) {
  Parcel parcel;
  const int64_t x = parcel.input(matrix(o.x, o.x_dtype, o.M, o.K, o.ldx));
  const int64_t x_scale = parcel.input(vector(o.x_scale, o.M)), alpha = parcel.input(vector(o.alpha_column, o.K));
  const int64_t signs = parcel.input(vector(o.rotation_signs, o.K));
  const int64_t q = parcel.output(matrix(o.q, TERNARY_I8, o.M, o.K, o.ldq));
  const int64_t s = parcel.output(vector(o.s, o.M * scales_of_row(o.K, o.block)));
  run_parcel(cuda, parcel, [&](uint8_t* device, const ternary_cuda_call& call) {
    ternary_quantise_operands there = o;
    set_address(there.x, device, x);
    set_address(there.x_scale, device, x_scale);
    set_address(there.alpha_column, device, alpha);
    set_address(there.rotation_signs, device, signs);
    set_address(there.q, device, q);
    set_address(there.s, device, s);
    start_quantise(runtime, cuda, there, call);
  });
}

void run_staged_rotate(ternary_runtime& runtime, CudaRuntime& cuda, const ternary_rotate_operands& o) {
  Parcel parcel;
  const int64_t x_scale = parcel.input(vector(o.x_scale, o.M)), signs = parcel.input(vector(o.signs, o.K));
  const HostMatrix rows = matrix(o.x, o.x_dtype, o.M, o.K, o.ldx);
  const bool in_place = o.x == o.y;
  const int64_t x = in_place ? parcel.in_place(rows) : parcel.input(rows);
  const int64_t y = in_place ? x : parcel.output(matrix(o.y, o.y_dtype, o.M, o.K, o.ldy));
  run_parcel(cuda, parcel, [&](uint8_t* device, const ternary_cuda_call& call) {
    ternary_rotate_operands there = o;
    set_address(there.x, device, x);
    set_address(there.x_scale, device, x_scale);
    set_address(there.signs, device, signs);
    set_address(there.y, device, y);
    start_rotate(runtime, cuda, there, call);
  });
}

void run_staged_qk_norm(ternary_runtime& runtime, CudaRuntime& cuda, const ternary_qk_norm_operands& o) {
  const auto heads = [&](const ternary_heads& side) {
    return matrix(side.data, side.dtype, o.M, side.count * o.head_dim, side.ld);
  };
  Parcel parcel;
  const int64_t q_weight = parcel.input(vector(o.q.weight, o.head_dim));
  const int64_t k_weight = parcel.input(vector(o.k.weight, o.head_dim));
  const int64_t q = parcel.in_place(heads(o.q)), k = parcel.in_place(heads(o.k));
  run_parcel(cuda, parcel, [&](uint8_t* device, const ternary_cuda_call& call) {
    ternary_qk_norm_operands there = o;
    set_address(there.q.data, device, q);
    set_address(there.q.weight, device, q_weight);
    set_address(there.k.data, device, k);
    set_address(there.k.weight, device, k_weight);
    start_qk_norm(runtime, cuda, there, call);
  });
}

}  // namespace ternary
