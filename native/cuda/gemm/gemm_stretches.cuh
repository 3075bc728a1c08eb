/**
 * @file gemm_stretches.cuh
 * @brief A CTA's way through K: spans of the ring, in stretches where sums have an order, and the sums of these.
 */
#ifndef TERNARY_CUDA_GEMM_GEMM_STRETCHES_CUH_
#define TERNARY_CUDA_GEMM_GEMM_STRETCHES_CUH_

#include "cuda/gemm/gemm_split.cuh"

namespace ternary::cuda {

/** The sum of stretches for each output of a warp, in ascending order. */
template <typename Patch>
class StretchSums {
 public:
  __device__ StretchSums(const GemmRange<Patch>& range, const GemmParts<Patch>& parts) : range_(range), parts_(parts) {}

  /** Takes the sums of a stretch of the CTA, in the order of K, and clears them: the first CTA of a patch adds them up,
   *  and others leave all but their last, which begins their sum(). */
  __device__ __forceinline__ void end(int stretch, float (&sums)[Patch::kPanels][Patch::kEights][4]) {
    const bool adds = range_.rank == 0 || stretch == range_.end - 1;
    uint4* part = adds ? nullptr : parts_.place(stretch - range_.first) + threadIdx.x;
#pragma unroll
    for (int p = 0; p < Patch::kPanels; ++p) {
#pragma unroll
      for (int j = 0; j < Patch::kEights; ++j) {
        if (adds) {
          add_quad(sum_[p][j], quad_of(sums[p][j]));
        } else {
          part[(p * Patch::kEights + j) * Patch::kThreads] = quad_of(sums[p][j]);
        }
#pragma unroll
        for (int i = 0; i < 4; ++i) sums[p][j][i] = 0.0f;
      }
    }
  }

  __device__ __forceinline__ const float (&sum(int p, int j) const)[4] { return sum_[p][j]; }

 private:
  const GemmRange<Patch>& range_;
  const GemmParts<Patch>& parts_;
  float sum_[Patch::kPanels][Patch::kEights][4] = {};
};

/** Steps of a span that are multiplied: all but where a stretch begins or ends inside it. */
template <bool whole>
struct SpanSteps {
  int first, end;
  __device__ __forceinline__ bool has(int step) const { return whole || (step >= first && step < end); }
};

/** The steady loop: so many spans, `steps` all of each. */
template <typename Ring, typename Steps, typename Multiply>
__device__ __forceinline__ void run_whole_spans(int spans, Ring& ring, Steps steps, const Multiply& multiply) {
#pragma unroll 1
  for (; spans > 0; --spans) {
    ring.advance();
    multiply(steps);
  }
}

/** Whole spans of `left` steps; the steps that are left then. */
template <typename Patch, typename Ring, typename Multiply>
__device__ __forceinline__ int run_spans_of_steps(int left, Ring& ring, const Multiply& multiply) {
  constexpr int kSteps = GemmRange<Patch>::kSpanSteps;
  run_whole_spans(left / kSteps, ring, SpanSteps<true>{0, kSteps}, multiply);
  return left % kSteps;
}

/**
 * A stretch that begins or ends inside of spans: those are multiplied in two goes. `at`: how far the open one is.
 * `run_spans(left)` goes through whole spans, as many as it wants; the steps that are left then.
 */
template <typename Patch, typename Ring, typename Multiply, typename RunSpans>
__device__ __forceinline__ void run_steps(int left, int& at, Ring& ring, const Multiply& multiply,
                                          const RunSpans& run_spans) {
  constexpr int kSteps = GemmRange<Patch>::kSpanSteps;
#pragma unroll 1
  while (left > 0) {
    if (at == 0) {
      left = run_spans(left);
      if (left == 0) return;
      ring.advance();
    }
    const int end = min(at + left, kSteps);
    multiply(SpanSteps<false>{at, end});
    left -= end - at;
    at = end % kSteps;
  }
}

/** Multiplies all that the CTA has of K: `multiply(steps)` those of the span that the ring has advanced to. */
template <typename Patch, typename Ring, typename Sums, typename Multiply>
__device__ __forceinline__ void run_range(const GemmRange<Patch>& range, Ring& ring, Sums& sums,
                                          const Multiply& multiply) {
  constexpr int kSteps = GemmRange<Patch>::kSpanSteps;
  constexpr SpanSteps<true> kWhole = {0, kSteps};
  if constexpr (!Sums::kOrdered) {
    run_whole_spans(range.spans, ring, kWhole, multiply);
  } else {
    int at = range.steps_before();
    if (at != 0) ring.advance();
#pragma unroll 1
    for (int stretch = range.first; stretch < range.end; ++stretch) {
      const int steps = range.steps_of(stretch);
      sums.begin_stretch(stretch);
      if constexpr (Sums::kWholeSpans) {
        run_whole_spans(steps / kSteps, ring, kWhole, multiply);
      } else {
        run_steps<Patch>(steps, at, ring, multiply, [&](int left) { return sums.run_spans(left, ring, multiply); });
      }
      sums.end_stretch(stretch);
    }
  }
}

}  // namespace ternary::cuda

#endif  // TERNARY_CUDA_GEMM_GEMM_STRETCHES_CUH_
