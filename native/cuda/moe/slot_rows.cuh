/**
 * @file slot_rows.cuh
 * @brief Rows that experts read, on their way to shared memory as fp32: a row of X times its slot's weight, or gates and
 * ups of a slot as h.
 */
#ifndef TERNARY_CUDA_MOE_SLOT_ROWS_CUH_
#define TERNARY_CUDA_MOE_SLOT_ROWS_CUH_

#include "abi/elementary.h"
#include "cuda/quantise/row_source.cuh"

namespace ternary::cuda {

/** A row of X, by a weight where it is on the input. */
struct WeightedSource {
  RowSource row;
  bool weighted;
  float weight;
  int K;
};

__device__ __forceinline__ const WeightedSource& reread_source(const WeightedSource& source) { return source; }

/** As load_columns() of a RowSource. */
template <int kThreads>
__device__ inline uint32_t load_columns(const WeightedSource& source, int begin, int count, float* v) {
  uint32_t largest = load_columns<kThreads>(source.row, begin, count, v);
  if (!source.weighted) return largest;
  __syncthreads();  // the columns that a thread multiplies are not those that it loaded
  largest = 0;
  const int end = min(count, source.K - begin);  // a NaN as weight must not reach the zeros beyond K
  for (int k = static_cast<int>(threadIdx.x); k < end; k += kThreads) {
    v[k] = __fmul_rn(v[k], source.weight);
    largest = max(largest, abs_bits(v[k]));
  }
  return largest;
}

/** Gates and ups of a slot. */
struct GateSource {
  const float *gates, *ups;  ///< the first of each
  int step;                  ///< from one to the next
  ternary_gate_function function;
  float limit;
  ternary_dtype round_gate_up, round_activation, round_product;
  int K;
};

/** Of row `slot` of the task. */
__device__ inline GateSource gate_source(const GateTask& t, int64_t slot) {
  const float *in = t.in + slot * t.ld_in, *up_in = t.up_in + slot * t.ld_in;
  const bool alternate = t.order == TERNARY_INTERLEAVED, gates_first = t.order == TERNARY_GATE_UP;
  return {in + (alternate || gates_first ? 0 : t.I),
          up_in + (alternate     ? 1
                   : gates_first ? t.I
                                 : 0),
          alternate ? 2 : 1,
          t.function,
          t.limit,
          t.round_gate_up,
          t.round_activation,
          t.round_product,
          static_cast<int>(t.I)};
}

__device__ __forceinline__ const GateSource& reread_source(const GateSource& source) { return source; }

/** One h (numerics.md sections 12.4 and 12.5). */
__device__ __forceinline__ float gated(const GateSource& s, float g, float u) {
  g = rounded(g, s.round_gate_up);
  u = rounded(u, s.round_gate_up);
  if (s.function == TERNARY_SILU_CLAMP) {
    g = elementary::clamp_gate<Scalar>(g, s.limit);
    u = elementary::clamp_up<Scalar>(u, s.limit);
  }
  const float f = s.function == TERNARY_RELU2  ? elementary::relu2<Scalar>(g)
                  : s.function == TERNARY_GELU ? elementary::gelu<Scalar>(g)
                                               : elementary::silu<Scalar>(g);
  return rounded(__fmul_rn(rounded(f, s.round_activation), u), s.round_product);
}

/** As load_columns() of a RowSource. */
template <int kThreads>
__device__ inline uint32_t load_columns(const GateSource& source, int begin, int count, float* v) {
  uint32_t largest = 0;
#pragma unroll 2
  for (int k = static_cast<int>(threadIdx.x); k < count; k += kThreads) {
    float h = 0.0f;
    const int at = begin + k;
    if (at < source.K) {
      // Past the first-level cache: CTAs of this launch may have written them.
      h = gated(source, __ldcg(source.gates + at * source.step), __ldcg(source.ups + at * source.step));
    }
    largest = max(largest, abs_bits(h));
    v[k] = h;
  }
  return largest;
}

}  // namespace ternary::cuda

#endif  // TERNARY_CUDA_MOE_SLOT_ROWS_CUH_
