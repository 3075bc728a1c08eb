/**
 * @file gemm_a8.cuh
 * @brief Y for many rows of int8 activations: mma on codes decoded in registers, q through shared memory.
 *
 * A lane's A operands come straight from the 16 bytes it loaded; its B operands of two steps are 16 bytes of permuted
 * q. Rows of 128 bytes in shared memory have their halves swapped where m is odd, rows of 320 bytes (T5) differ by half
 * a turn of the banks as they are: in both, the 8 lanes of a phase of LDS.128 read 128 different bytes.
 */
#ifndef TERNARY_CUDA_GEMM_GEMM_A8_CUH_
#define TERNARY_CUDA_GEMM_GEMM_A8_CUH_

#include "cuda/device/epilogue.cuh"
#include "cuda/device/mma.cuh"
#include "cuda/device/pdl.cuh"
#include "cuda/gemm/gemm_groups.cuh"

namespace ternary::cuda {

/**
 * The ring of spans of q. Four threads copy a line of 64 bytes; a thread's copies are whole lines and rows apart, so
 * that its addresses are one pointer and constants.
 */
template <typename Patch>
class QRing {
 public:
  static constexpr int kRowBytes = Patch::kColumns;
  static constexpr int kSpanBytes = Patch::kM * kRowBytes;
  static constexpr int kBytes = Patch::kDepth * kSpanBytes;

  __device__ QRing(const CudaGemmTask& task, const GemmPlace<Patch>& place, char* shared) : shared_(shared) {
    const int m = static_cast<int>(threadIdx.x) / 4, quarter = threadIdx.x & 3;
#pragma unroll
    for (int r = 0; r < kRows; ++r) {
      const int64_t row = place.m0 + m + r * kRowStep;
      valid_[r] = row < task.M;
      source_[r] = task.q + (valid_[r] ? row : 0) * task.ldq + 16 * quarter;
    }
    write_ = offset(m, quarter);
    read_ = offset(place.warp_m + place.g, place.t);
    left_ = static_cast<int>(ceil_div(task.K, Patch::kColumns));
  }

  /** Begins to copy the next span; ends a batch of copies whether or not there is one. Rows beyond M become zeros. */
  __device__ __forceinline__ void fetch() {
    if (left_ > 0) {
#pragma unroll
      for (int r = 0; r < kRows; ++r) {
#pragma unroll
        for (int line = 0; line < Patch::kLines; ++line) {
          char* target = shared_ + write_span_ + at_line(write_, line) + r * kRowStep * kRowBytes;
          copy_async(target, source_[r] + 64 * line, valid_[r]);
        }
        source_[r] += kRowBytes;
      }
      write_span_ = next(write_span_);
    }
    --left_;
    commit_copies();
  }

  /** Operands of the warp's row 8 * j + g, steps 2 * line and 2 * line + 1 of the span in use. */
  __device__ __forceinline__ uint4 operands(int j, int line) const {
    return *reinterpret_cast<const uint4*>(shared_ + read_span_ + at_line(read_, line) + 8 * j * kRowBytes);
  }

  /** On to the next span. */
  __device__ __forceinline__ void advance() { read_span_ = next(read_span_); }

 private:
  static constexpr int kRowStep = Patch::kThreads / 4, kRows = Patch::kM / kRowStep;
  static_assert(Patch::kM % kRowStep == 0, "every thread copies as many rows");
  static constexpr bool kSwaps = kRowBytes % 128 == 0;

  static __device__ __forceinline__ int offset(int m, int quarter) {
    return m * kRowBytes + 16 * quarter + (kSwaps ? (m & 1) << 6 : 0);
  }
  static __device__ __forceinline__ int at_line(int offset, int line) {
    return kSwaps ? (offset ^ (line & 1) << 6) + (line >> 1 << 7) : offset + 64 * line;
  }
  static __device__ __forceinline__ int next(int span) {
    return span == (Patch::kDepth - 1) * kSpanBytes ? 0 : span + kSpanBytes;
  }

  char* shared_;
  const int8_t* source_[kRows];
  bool valid_[kRows];
  int write_, read_, left_, write_span_ = 0, read_span_ = 0;
};

/** Sums of a warp without groups of alpha: sum(q * code), so sum(q) has to be taken off. */
template <typename Patch>
class PlainSums {
 public:
  __device__ explicit PlainSums(const CudaGemmTask&, const GemmPlace<Patch>&) {}

  __device__ __forceinline__ void begin_line() {}
  static __device__ __forceinline__ uint32_t operand(uint32_t codes) { return codes; }

  __device__ __forceinline__ void add(int p, int j, const uint32_t (&a)[2][4], uint4 b) {
    mma_codes(acc_[p][j], a[0], b.x, b.y);
    mma_codes(acc_[p][j], a[1], b.z, b.w);
  }

  __device__ void store(const CudaGemmTask& t, const Epilogue& out, int p, int j, int i, int64_t m, int64_t n) const {
    out.finish(acc_[p][j][i] - t.q_sums[m], m, n);
  }

 private:
  int32_t acc_[Patch::kPanels][Patch::kEights][4] = {};
};

/** Sums of a warp with groups of alpha. Weights are signed here, so that no sums of q by group are needed. */
template <typename Patch>
class GroupSums {
 public:
  __device__ GroupSums(const CudaGemmTask& t, const GemmPlace<Patch>& place) : ends_(t, place) {}

  static __device__ __forceinline__ uint32_t operand(uint32_t codes) { return signed_weights(codes); }

  __device__ __forceinline__ void begin_line() {
    end_[0] = ends_.next_step();
    end_[1] = ends_.next_step();
  }

  __device__ __forceinline__ void add(int p, int j, const uint32_t (&a)[2][4], uint4 b) {
    mma_weights(acc_[p][j], a[0], b.x, b.y);
    if (end_[0].ends) totals_.end_group(end_[0], p, j, acc_[p][j]);
    mma_weights(acc_[p][j], a[1], b.z, b.w);
    if (end_[1].ends) totals_.end_group(end_[1], p, j, acc_[p][j]);
  }

  __device__ void store(const CudaGemmTask&, const Epilogue& out, int p, int j, int i, int64_t m, int64_t n) const {
    out.finish_groups(totals_.sum(p, j, i), m, n);
  }

 private:
  int32_t acc_[Patch::kPanels][Patch::kEights][4] = {};
  GroupTotals<Patch> totals_;
  GroupEnds<Patch> ends_;
  GroupEnd<Patch> end_[2];
};

/** One span's columns into the sums: each panel's A operands of two steps serve all of the warp's rows of X. */
template <typename Patch, typename Sums>
__device__ __forceinline__ void multiply_span(const QRing<Patch>& q, const WeightStream<Patch>& w, Sums& sums) {
  PanelCodes<Patch::layout> codes[Patch::kPanels];
#pragma unroll
  for (int line = 0; line < Patch::kLines; ++line) {
    uint32_t a[Patch::kPanels][2][4];
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int step = 2 * line + half;
#pragma unroll
      for (int p = 0; p < Patch::kPanels; ++p) {
        if (step % Patch::kSteps == 0) codes[p].begin(w.words(p, step / Patch::kSteps));
        codes[p].step(step % Patch::kSteps, a[p][half]);
#pragma unroll
        for (int i = 0; i < 4; ++i) a[p][half][i] = Sums::operand(a[p][half][i]);
      }
    }
    sums.begin_line();
#pragma unroll
    for (int j = 0; j < Patch::kEights; ++j) {
      const uint4 b = q.operands(j, line);
#pragma unroll
      for (int p = 0; p < Patch::kPanels; ++p) sums.add(p, j, a[p], b);
    }
  }
}

template <typename Patch, template <typename> class Sums>
__global__ void __launch_bounds__(Patch::kThreads, Patch::kCtasPerSm) gemm_a8_kernel(const CudaGemmTask t) {
  extern __shared__ uint4 shared[];
  pdl_launch_dependents();
  const GemmPlace<Patch> place(t.M);
  WeightStream<Patch> w(t, place);
  Sums<Patch> sums(t, place);
  pdl_wait();
  const int spans = static_cast<int>(ceil_div(t.K, Patch::kColumns));
  QRing<Patch> q(t, place, reinterpret_cast<char*>(shared));
#pragma unroll
  for (int span = 0; span < Patch::kDepth - 1; ++span) q.fetch();
  for (int span = 0; span < spans; ++span) {
    wait_copies<Patch::kDepth - 2>();
    __syncthreads();  // everyone's copies have landed, and everyone has left the span that is fetched now
    q.fetch();
    w.advance();
    multiply_span(q, w, sums);
    q.advance();
  }
  store_sums(t, place, sums);
}

/** States which kernels a row has. */
#define TERNARY_CUDA_GEMM_A8_VARIANTS(row, Patch, GroupPatch)                                          \
  TERNARY_CUDA_GEMM_VARIANT(row, plain, Patch, QRing<Patch>::kBytes, gemm_a8_kernel<Patch, PlainSums>) \
  TERNARY_CUDA_GEMM_VARIANT(row, groups, GroupPatch, QRing<GroupPatch>::kBytes, gemm_a8_kernel<GroupPatch, GroupSums>)

/** The product with the patch for its alpha. */
template <typename Patch, typename GroupPatch>
int gemm_a8(const CudaGemmTask& task, const CudaPlan& plan, const CudaLaunch& how) {
  if (task.group == 0) return launch_gemm<gemm_a8_kernel<Patch, PlainSums>, Patch>(plan, how, task);
  return launch_gemm<gemm_a8_kernel<GroupPatch, GroupSums>, GroupPatch>(plan, how, task);
}

template <typename Patch, typename GroupPatch>
Reason gemm_a8_plan(const CudaProblem& problem, CudaPlan* plan) {
  if (problem.group == 0) return plan_gemm<Patch>(problem, QRing<Patch>::kBytes, plan);
  return plan_gemm<GroupPatch>(problem, QRing<GroupPatch>::kBytes, plan);
}

}  // namespace ternary::cuda

#endif  // TERNARY_CUDA_GEMM_GEMM_A8_CUH_
