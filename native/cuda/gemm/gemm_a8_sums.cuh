/**
 * @file gemm_a8_sums.cuh
 * @brief Sums of a warp in int8 GEMMs: without units, and with them.
 */
#ifndef TERNARY_CUDA_GEMM_GEMM_A8_SUMS_CUH_
#define TERNARY_CUDA_GEMM_GEMM_A8_SUMS_CUH_

#include "cuda/device/mma.cuh"
#include "cuda/gemm/gemm_units.cuh"

namespace ternary::cuda {

/** Sums of a warp without units: sum(q * code), so sum(q) has to be taken off. Of whole spans, in any order. */
template <typename Patch>
class PlainSums {
 public:
  static constexpr bool kOrdered = false;
  using Value = int32_t;
  using Steps = SpanSteps<true>;
  template <typename>
  using Word = WordCodes<Patch::layout>;
  __device__ PlainSums(const CudaGemmTask&, const GemmPlace<Patch>&, const GemmRange<Patch>&, const GemmParts<Patch>&) {
  }

  __device__ __forceinline__ void begin_line(Steps, int) {}
  __device__ __forceinline__ void end_line(Steps, int) {}

  /** A step of the line, its first or second. */
  __device__ __forceinline__ void add(Steps, int, int p, int j, const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
    mma_codes(acc_[p][j], a, b0, b1);
  }

  __device__ __forceinline__ const int32_t (&sum(int p, int j) const)[4] { return acc_[p][j]; }
  static __device__ __forceinline__ void write(const CudaGemmTask& t, const Epilogue& out, int32_t sum,
                                               const OutputRow& row, int64_t n) {
    out.finish(sum - t.q_sums[row.x], row, n);
  }

 private:
  int32_t acc_[Patch::kPanels][Patch::kEights][4] = {};
};

/**
 * A whole span in which units end behind runs alone: 128 columns, counted from column 0. Two lines are a run. Spans of T5
 * have five lines, so those of odd numbers begin inside of a run. `groups`: alpha has groups.
 */
template <bool groups_, bool odd>
struct RunSpan {
  static constexpr bool groups = groups_;
  __device__ __forceinline__ bool has(int) const { return true; }
  /** Whether a run ends behind the line, and whether one began before the span that does. */
  static __device__ __forceinline__ constexpr bool ends(int line) { return line % 2 == (odd ? 0 : 1); }
  static __device__ __forceinline__ constexpr bool ends_first(int line) { return odd && line == 0; }
};

/**
 * Sums of a warp with units. Weights are signed here, so that no sums of q by unit are needed, and those of steps that a
 * line has besides can be zeros.
 *
 * Units of whole runs have loops of their own, which look for an end behind runs alone. Their scales are asked for before
 * the products of the last run. Other units may end behind any step.
 */
template <typename Patch, bool by_block>
class UnitSums : public UnitTotals<Patch, SmallSum<0>, LargeSum, by_block> {
 public:
  using Totals = UnitTotals<Patch, SmallSum<0>, LargeSum, by_block>;
  using End = UnitEnd<Patch, by_block>;
  template <typename Steps>
  using Word = std::conditional_t<std::is_same_v<Steps, SpanSteps<false>>, WordWeights<Patch::layout>,
                                  ScaledWeights<Patch::layout>>;

  __device__ UnitSums(const CudaGemmTask& t, const GemmPlace<Patch>& place, const GemmRange<Patch>& range,
                      const GemmParts<Patch>& parts)
      : Totals(t, place, range, parts) {
    const int steps = this->walk_.unit_steps();
    runs_ = steps % kRunSteps == 0 && 32 * steps <= RunSum::kMostColumns;
    if (runs_) this->template clear<RunSum>();
  }

  template <typename Ring, typename Multiply>
  __device__ __forceinline__ int run_spans(int left, Ring& ring, const Multiply& multiply) {
    if (!runs_) return left;
    if (this->walk_.has_groups()) {
      run_spans_of<true>(left / kSpanSteps, ring, multiply);
    } else {
      run_spans_of<false>(left / kSpanSteps, ring, multiply);
    }
    return left % kSpanSteps;
  }

  __device__ __forceinline__ void end_stretch(int stretch) {
    if (runs_ && this->walk_.end_stretch()) {
      this->walk_.has_groups() ? end_run<true>() : end_run<false>();
    }
    Totals::end_stretch(stretch);
  }

  template <bool groups, bool odd>
  __device__ __forceinline__ void begin_line(RunSpan<groups, odd> span, int line) {
    if (span.ends_first(line) || (line + 1 < Patch::kLines && span.ends(line + 1))) {
      ends_ = this->walk_.pass(span.ends_first(line) ? 2 : kRunSteps);
      if (ends_) this->walk_.template ask<groups>(scales_);
    } else if (!span.ends(line)) {
      this->walk_.begin_run(2);
    }
  }
  template <bool groups, bool odd>
  __device__ __forceinline__ void add(RunSpan<groups, odd>, int, int p, int j, const uint32_t (&a)[4], uint32_t b0,
                                      uint32_t b1) {
    mma_weights(this->at(p, j), a, b0, b1);
  }
  template <bool groups, bool odd>
  __device__ __forceinline__ void end_line(RunSpan<groups, odd> span, int line) {
    if (span.ends(line) && ends_) this->template add_unit_of<RunSum, groups>(scales_);
  }

  __device__ __forceinline__ void begin_line(SpanSteps<false> steps, int line) {
    begin_step(0, steps.has(2 * line));
    begin_step(1, steps.has(2 * line + 1));
  }
  __device__ __forceinline__ void add(SpanSteps<false>, int half, int p, int j, const uint32_t (&a)[4], uint32_t b0,
                                      uint32_t b1) {
    mma_weights(this->at(p, j), a, b0, b1);
    this->end_unit(end_[half], p, j);
  }
  __device__ __forceinline__ void end_line(SpanSteps<false>, int) {}

  static __device__ __forceinline__ void write(const CudaGemmTask& t, const Epilogue& out, float sum,
                                               const OutputRow& row, int64_t n) {
    by_block ? out.finish_blocks(sum, t.group > 0, row, n) : out.finish_groups(sum, row, n);
  }

 private:
  static constexpr int kSpanSteps = GemmRange<Patch>::kSpanSteps, kRunSteps = 4;
  using RunSum = SmallSum<ScaledWeights<Patch::layout>::kScaleLog2>;

  template <bool groups, typename Ring, typename Multiply>
  __device__ __forceinline__ void run_spans_of(int spans, Ring& ring, const Multiply& multiply) {
    if constexpr (kSpanSteps % kRunSteps == 0) {
      run_whole_spans(spans, ring, RunSpan<groups, false>{}, multiply);
    } else {
      bool odd = this->walk_.step() / kSpanSteps % 2 != 0;
#pragma unroll 1
      for (; spans > 0; --spans, odd = !odd) {
        ring.advance();
        if (odd) {
          multiply(RunSpan<groups, true>{});
        } else {
          multiply(RunSpan<groups, false>{});
        }
      }
    }
  }

  template <bool groups>
  __device__ __forceinline__ void end_run() {
    this->walk_.template ask<groups>(scales_);
    this->template add_unit_of<RunSum, groups>(scales_);
  }

  __device__ __forceinline__ void begin_step(int half, bool counts) {
    if (counts) {
      end_[half] = this->next_step();
    } else {
      end_[half].ends = false;
    }
  }

  bool runs_;  ///< units end behind runs
  bool ends_;  ///< this run ends a unit
  End end_[2];
  UnitScales<Patch, by_block> scales_;
};
template <typename Patch>
using GroupSums = UnitSums<Patch, false>;
template <typename Patch>
using BlockSums = UnitSums<Patch, true>;

}  // namespace ternary::cuda

#endif  // TERNARY_CUDA_GEMM_GEMM_A8_SUMS_CUH_
