// Rows of X rotated, forward or back: a CTA for 4096 columns of a row, which are whole runs. It has read them all before it
// writes the first, so X may be Y.
#include "cuda/device/pdl.cuh"
#include "cuda/device/variant.h"
#include "cuda/kernels.h"
#include "cuda/quantise/rotation.cuh"
#include "cuda/quantise/row_source.cuh"

namespace ternary::cuda {
namespace {

constexpr int kThreads = 256;

/** Columns k ... k + 3 of a row of Y. */
__device__ void store_quad(void* row, ternary_dtype dtype, int64_t k, float4 v) {
  if (!quad_aligned(row, element_bytes(dtype))) {
    store_element(row, dtype, k, v.x);
    store_element(row, dtype, k + 1, v.y);
    store_element(row, dtype, k + 2, v.z);
    store_element(row, dtype, k + 3, v.w);
    return;
  }
  char* p = static_cast<char*>(row) + k * element_bytes(dtype);
  if (dtype == TERNARY_F32) {
    *reinterpret_cast<float4*>(p) = v;
  } else if (dtype == TERNARY_F16) {
    *reinterpret_cast<ushort4*>(p) = {fp32_to_f16(v.x), fp32_to_f16(v.y), fp32_to_f16(v.z), fp32_to_f16(v.w)};
  } else {
    *reinterpret_cast<ushort4*>(p) = {fp32_to_bf16(v.x), fp32_to_bf16(v.y), fp32_to_bf16(v.z), fp32_to_bf16(v.w)};
  }
}

__global__ void __launch_bounds__(kThreads) rotate_any_row_kernel(const CudaRotateTask t, int pieces) {
  __shared__ float4 values[kMostRotation / 4];
  float* v = reinterpret_cast<float*>(values);
  pdl_launch_dependents();
  pdl_wait();
  const int64_t m = blockIdx.x / static_cast<unsigned>(pieces);
  const int first = static_cast<int>(blockIdx.x - static_cast<unsigned>(m) * pieces) * kMostRotation;
  const int run = static_cast<int>(t.rows.rotation), count = min(kMostRotation, static_cast<int>(t.rows.K) - first);
  ActivationTask rows = {};
  rows.x = t.rows.x;
  rows.x_dtype = t.rows.x_dtype;
  rows.ldx = t.rows.ldx;
  rows.x_scale = t.rows.x_scale;
  rows.K = t.rows.K;
  load_columns<kThreads>(row_source(rows, m, false), first, count, v);
  __syncthreads();
  const float factor = rotation_factor(run);
  const float* before = t.rows.inverse ? nullptr : t.rows.signs;
  const float* behind = t.rows.inverse ? t.rows.signs : nullptr;
  rotate_columns<kThreads>(
      run, count, v, [&](float4 x, int k) { return times(x, floats_at(before, first + k)); },
      [&](float4 x, int k) { return times(times(x, factor), floats_at(behind, first + k)); });
  __syncthreads();
  void* y = static_cast<char*>(t.rows.y) + m * t.rows.ldy * element_bytes(t.rows.y_dtype);
  for (int k = 4 * static_cast<int>(threadIdx.x); k < count; k += 4 * kThreads) {
    store_quad(y, t.rows.y_dtype, first + k, *reinterpret_cast<const float4*>(v + k));
  }
}

}  // namespace

TERNARY_CUDA_VARIANT(rotate_any_row, any, rotate_any_row_kernel)

int rotate_any_row(const CudaRotateTask& task, const CudaLaunch& how) {
  const int64_t pieces = ceil_div(task.rows.K, kMostRotation), most = (int64_t{1} << 31) - 1;
  if (pieces * task.M <= most) {
    return launch<rotate_any_row_kernel>(how, dim3(static_cast<unsigned>(pieces * task.M)), dim3(kThreads), 0, 1, task,
                                         static_cast<int>(pieces));
  }
  CudaRotateTask part = task;  // more CTAs than a grid has: in two launches
  part.M = task.M / 2;
  if (const int error = rotate_any_row(part, how)) return error;
  part.rows.x = static_cast<const char*>(task.rows.x) + part.M * task.rows.ldx * element_bytes(task.rows.x_dtype);
  part.rows.y = static_cast<char*>(task.rows.y) + part.M * task.rows.ldy * element_bytes(task.rows.y_dtype);
  if (task.rows.x_scale != nullptr) part.rows.x_scale = task.rows.x_scale + part.M;
  part.M = task.M - part.M;
  return rotate_any_row(part, how);
}

}  // namespace ternary::cuda
