// RMSNorm of each head of Q and K in place: a warp a head, for heads are short. Its lanes keep the 256 partial sums of the
// contract, eight each, and read the head again for the second pass, from the first-level cache.
#include "cuda/device/halving_sum.cuh"
#include "cuda/device/pdl.cuh"
#include "cuda/device/scalar.cuh"
#include "cuda/device/variant.h"
#include "cuda/kernels.h"

namespace ternary::cuda {
namespace {

constexpr int kThreads = 256, kWarps = kThreads / 32;
/** Partials of a lane: i = 32 * j + lane. */
constexpr int kLanePartials = 256 / 32;

/** The halving tree: 128, 64 and 32 within a lane, 16 to 1 between lanes, of which lane 0 meets the contract's pairs. */
__device__ float sum_of_partials(float (&part)[kLanePartials]) {
#pragma unroll
  for (int half = kLanePartials / 2; half >= 1; half /= 2) {
#pragma unroll
    for (int j = 0; j < half; ++j) part[j] = __fadd_rn(part[j], part[j + half]);
  }
  return halving_sum_for_all(part[0]);
}

/** 1 / sqrt(mean of squares + eps); NaN where the sum is not finite. */
__device__ float reciprocal_rms_of(float sum, int64_t columns, float eps) {
  if (abs_bits(sum) >= kInfinityPattern) return __uint_as_float(kNanPattern);
  return __fdiv_rn(1.0f, __fsqrt_rn(__fadd_rn(__fdiv_rn(sum, static_cast<float>(columns)), eps)));
}

/** A side by its number; field by field, for an index into the parameters would copy both to local memory. */
__device__ __forceinline__ HeadNormTask side_of(const CudaHeadNormTask& t, bool second) {
  const HeadNormTask &q = t.sides[0], &k = t.sides[1];
  HeadNormTask side;
  side.data = second ? k.data : q.data;
  side.dtype = second ? k.dtype : q.dtype;
  side.ld = second ? k.ld : q.ld;
  side.heads = second ? k.heads : q.heads;
  side.head_dim = second ? k.head_dim : q.head_dim;
  side.weight = second ? k.weight : q.weight;
  side.eps = second ? k.eps : q.eps;
  return side;
}

/** A head at element `first` of the side's memory, by one warp. */
__device__ void normalise_head(const HeadNormTask& side, int64_t first) {
  const int lane = static_cast<int>(threadIdx.x) & 31;
  float part[kLanePartials] = {};
  for (int64_t base = 0; base < side.head_dim; base += 256) {
#pragma unroll
    for (int j = 0; j < kLanePartials; ++j) {
      const int64_t k = base + 32 * j + lane;
      if (k >= side.head_dim) break;
      const float v = load_element(side.data, side.dtype, first + k);
      part[j] = __fmaf_rn(v, v, part[j]);
    }
  }
  const float r = reciprocal_rms_of(sum_of_partials(part), side.head_dim, side.eps);
  for (int64_t k = lane; k < side.head_dim; k += 32) {
    const float v = load_element(side.data, side.dtype, first + k);
    store_element(side.data, side.dtype, first + k, __fmul_rn(__fmul_rn(v, r), side.weight[k]));
  }
}

__global__ void __launch_bounds__(kThreads) head_norm_any_head_kernel(const CudaHeadNormTask t) {
  pdl_launch_dependents();
  pdl_wait();
  const int64_t row_heads = t.sides[0].heads + t.sides[1].heads, heads = t.M * row_heads;
  const int64_t step = static_cast<int64_t>(gridDim.x) * kWarps;
  for (int64_t i = static_cast<int64_t>(blockIdx.x) * kWarps + threadIdx.x / 32; i < heads; i += step) {
    const int64_t m = i / row_heads, head = i - m * row_heads;
    const bool second = head >= t.sides[0].heads;
    const HeadNormTask side = side_of(t, second);
    normalise_head(side, m * side.ld + (second ? head - t.sides[0].heads : head) * side.head_dim);
  }
}

}  // namespace

TERNARY_CUDA_VARIANT(head_norm_any_head, any, head_norm_any_head_kernel)

int head_norm_any_head(const CudaHeadNormTask& task, const CudaLaunch& how) {
  const int64_t ctas = ceil_div(task.M * (task.sides[0].heads + task.sides[1].heads), kWarps);
  const int64_t most = (int64_t{1} << 31) - 1;
  return launch<head_norm_any_head_kernel>(how, dim3(static_cast<unsigned>(ctas < most ? ctas : most)), dim3(kThreads),
                                           0, 1, task);
}

}  // namespace ternary::cuda
