#include "core/cuda/calls/experts.h"
#include "core/cuda/calls/parcel.h"
#include "core/cuda/moe/dispatch.h"

namespace ternary {

void run_staged_moe(ternary_runtime& runtime, CudaRuntime& cuda, const ternary_moe& moe,
                    const ternary_moe_operands& o) {
  const int64_t H = moe.H();
  Parcel parcel;
  const int64_t x = parcel.input(matrix(o.x, o.x_dtype, o.M, H, o.ldx));
  const int64_t x_scale = parcel.input(vector(o.x_scale, o.M));
  const int64_t ids = parcel.input(matrix(o.expert_ids, TERNARY_F32, o.M, o.T, o.ld_ids));
  const int64_t weights = parcel.input(matrix(o.expert_weights, o.expert_weights_dtype, o.M, o.T, o.ld_weights));
  ResidualParts residual(parcel, o, H);
  const int64_t y = parcel.output(matrix(o.y, o.y_dtype, o.M, moe.y_columns(o.T), o.ldy));
  residual.add_output(parcel);
  run_parcel(cuda, parcel, [&](uint8_t* device, const ternary_cuda_call& call) {
    ternary_moe_operands there = o;
    set_address(there.x, device, x);
    set_address(there.x_scale, device, x_scale);
    set_address(there.expert_ids, device, ids);
    set_address(there.expert_weights, device, weights);
    residual.set_addresses(there, device);
    set_address(there.y, device, y);
    start_moe(runtime, cuda, moe, there, call);
  });
}

void run_staged_route(ternary_runtime& runtime, CudaRuntime& cuda, const ternary_route_operands& o) {
  Parcel parcel;
  const bool given = o.logits != nullptr;
  const int64_t in = parcel.input(given ? matrix(o.logits, o.logits_dtype, o.M, o.E, o.ld_logits)
                                        : matrix(o.x, o.x_dtype, o.M, o.H, o.ldx));
  const int64_t router = parcel.input(matrix(o.router, o.router_dtype, o.E, o.H, o.ld_router));
  const int64_t bias = parcel.input(vector(o.router_bias, o.E));
  const int64_t correction = parcel.input(vector(o.correction_bias, o.E));
  const int64_t ids = parcel.output(matrix(o.ids, TERNARY_F32, o.M, o.k, o.ld_ids));
  const int64_t weights = parcel.output(matrix(o.weights, o.weights_dtype, o.M, o.k, o.ld_weights));
  run_parcel(cuda, parcel, [&](uint8_t* device, const ternary_cuda_call& call) {
    ternary_route_operands there = o;
    set_address(given ? there.logits : there.x, device, in);
    set_address(there.router, device, router);
    set_address(there.router_bias, device, bias);
    set_address(there.correction_bias, device, correction);
    set_address(there.ids, device, ids);
    set_address(there.weights, device, weights);
    start_route(runtime, cuda, there, call);
  });
}

void run_staged_align(ternary_runtime& runtime, CudaRuntime& cuda, const ternary_align_operands& o) {
  int64_t counted = 0;  // slots beyond these are not written
  for (int64_t m = 0; m < o.M; ++m) {
    for (int64_t t = 0; t < o.T; ++t) counted += o.expert_ids[m * o.ld_ids + t] >= 0;
  }
  Parcel parcel;
  const int64_t ids = parcel.input(matrix(o.expert_ids, TERNARY_F32, o.M, o.T, o.ld_ids));
  const int64_t offsets = parcel.output(vector(o.offsets, o.E + 1));
  const int64_t slots = counted == 0 ? Parcel::kNone : parcel.output(vector(o.slots, counted));
  run_parcel(cuda, parcel, [&](uint8_t* device, const ternary_cuda_call& call) {
    ternary_align_operands there = o;
    set_address(there.expert_ids, device, ids);
    set_address(there.slots, device, slots);
    set_address(there.offsets, device, offsets);
    start_align(runtime, cuda, there, call);
  });
}

void run_staged_combine(ternary_runtime& runtime, CudaRuntime& cuda, const ternary_combine_operands& o) {
  Parcel parcel;
  const int64_t d = parcel.input(matrix(o.d, o.d_dtype, o.M, o.T * o.H, o.ldd));
  const int64_t ids = parcel.input(matrix(o.expert_ids, TERNARY_F32, o.M, o.T, o.ld_ids));
  const int64_t weights = parcel.input(matrix(o.expert_weights, o.expert_weights_dtype, o.M, o.T, o.ld_weights));
  ResidualParts residual(parcel, o, o.H);
  const int64_t y = parcel.output(matrix(o.y, o.y_dtype, o.M, o.H, o.ldy));
  residual.add_output(parcel);
  run_parcel(cuda, parcel, [&](uint8_t* device, const ternary_cuda_call& call) {
    ternary_combine_operands there = o;
    set_address(there.d, device, d);
    set_address(there.expert_ids, device, ids);
    set_address(there.expert_weights, device, weights);
    residual.set_addresses(there, device);
    set_address(there.y, device, y);
    start_combine(runtime, cuda, there, call);
  });
}

}  // namespace ternary
