// The fallback of A8: W as bf16 -1, 0, +1 and q as bf16, both exact, products and sums in fp32. Every sum is a whole
// number below 2^24 in magnitude while 128 * K < 2^24, so it is exact in any order and Y has the bits of the int8
// kernels.
#include "cuda/device/pdl.cuh"
#include "cuda/gemm/gemm_floats.cuh"
#include "cuda/kernels.h"

namespace ternary::cuda {
namespace {

using Patch = GemmPatch<CudaLayout::dense, 4, 2, 2, 4, 4, 1, 1>;
using GroupPatch = GemmPatch<CudaLayout::dense, 4, 2, 1, 4, 4, 1, 1>;

/**
 * The ring of spans of q in plain order, 64 bytes a row. Its 16-byte pieces are swapped by the row, so that the 8 rows
 * of 16 columns that a warp reads at a time lie in 128 different bytes.
 */
template <typename T>
class ByteRing {
 public:
  static constexpr int kSpanBytes = T::kM * 64;
  static constexpr int kBytes = T::kDepth * kSpanBytes;

  __device__ ByteRing(const CudaGemmTask& task, const GemmPlace<T>& place, char* shared) : shared_(shared) {
    static_assert(T::kM == T::kThreads / 4, "a thread copies 16 bytes");
    const int m = static_cast<int>(threadIdx.x) / 4, quarter = threadIdx.x & 3;
    const int64_t row = place.m0 + m;
    valid_ = row < task.M;
    source_ = task.q + (valid_ ? row : 0) * task.ldq + 16 * quarter;
    write_ = 64 * m + (16 * quarter ^ (m >> 1 & 3) << 4);
    const int lane_row = place.warp_m + place.g;
    read_ = 64 * lane_row + 4 * place.t + ((lane_row >> 1 & 3) << 4);
    left_ = static_cast<int>(ceil_div(task.K, T::kColumns));
  }

  __device__ __forceinline__ void fetch() {
    if (left_-- <= 0) return;
    copy_async(shared_ + write_span_ + write_, source_, valid_);
    source_ += 64;
    write_span_ = next(write_span_);
  }

  __device__ __forceinline__ uint32_t operands(int row, int sixteen) const {
    return *reinterpret_cast<const uint32_t*>(shared_ + read_span_ + 64 * row + (read_ ^ sixteen << 4));
  }

  __device__ __forceinline__ void advance() { read_span_ = next(read_span_); }

 private:
  static __device__ __forceinline__ int next(int span) {
    return span == (T::kDepth - 1) * kSpanBytes ? 0 : span + kSpanBytes;
  }

  char* shared_;
  const int8_t* source_;
  bool valid_;
  int write_, read_, left_, write_span_ = 0, read_span_ = 0;
};

template <typename T>
using DenseRows = HalfRing<T, T::kN, 1>;

template <typename T>
constexpr int kSharedBytes = ByteRing<T>::kBytes + DenseRows<T>::kBytes;

/** Sums as the A16 kernels', outputs as the A8 kernels'. */
template <typename T>
struct PlainOutputs : PlainFloatSums<T> {
  using PlainFloatSums<T>::PlainFloatSums;
  __device__ void store(const CudaGemmTask&, const Epilogue& out, int p, int j, int i, int64_t m, int64_t n) {
    out.finish(__float2int_rn(this->at(p, j)[i]), m, n);
  }
};

template <typename T>
struct GroupOutputs : GroupFloatSums<T> {
  using GroupFloatSums<T>::GroupFloatSums;
  __device__ void store(const CudaGemmTask&, const Epilogue& out, int p, int j, int i, int64_t m, int64_t n) {
    out.finish_groups(this->total(p, j, i), m, n);
  }
};

template <typename T, typename Sums>
__device__ __forceinline__ void multiply_line(const DenseRows<T>& w, const ByteRing<T>& q, Sums& sums) {
#pragma unroll
  for (int step = 0; step < 2; ++step) {
#pragma unroll
    for (int sixteen = 2 * step; sixteen < 2 * step + 2; ++sixteen) {
      uint32_t a[T::kPanels][4];
#pragma unroll
      for (int p = 0; p < T::kPanels; ++p) {
        const uint2 top = w.operands(0, 16 * p, sixteen), bottom = w.operands(0, 16 * p + 8, sixteen);
        a[p][0] = top.x;
        a[p][1] = bottom.x;
        a[p][2] = top.y;
        a[p][3] = bottom.y;
      }
#pragma unroll
      for (int j = 0; j < T::kEights; ++j) {
        const uint32_t bytes = q.operands(8 * j, sixteen);
        const uint32_t b0 = bf16_of_int8(bytes, 0), b1 = bf16_of_int8(bytes, 1);
#pragma unroll
        for (int p = 0; p < T::kPanels; ++p) mma_floats<false>(sums.at(p, j), a[p], b0, b1);
      }
    }
    sums.end_step();
  }
}

template <typename T, template <typename> class Sums>
__global__ void __launch_bounds__(T::kThreads, T::kCtasPerSm) gemm_a8_dense_kernel(const CudaGemmTask t) {
  extern __shared__ uint4 shared[];
  char* bytes = reinterpret_cast<char*>(shared);
  pdl_launch_dependents();
  const GemmPlace<T> place(t.M);
  const int warp_n = 16 * static_cast<int>(place.panel % (T::kN / 16));
  Sums<T> sums(t, place);
  DenseRows<T> w(reinterpret_cast<const uint16_t*>(t.w), round_up(t.K, 64), t.N, 16 * place.panel - warp_n, t.K,
                 warp_n + place.g, place.t, bytes + ByteRing<T>::kBytes);
  pdl_wait();
  ByteRing<T> q(t, place, bytes);
  const int spans = static_cast<int>(ceil_div(t.K, T::kColumns));
  const auto fetch = [&] {
    w.fetch();
    q.fetch();
    commit_copies();
  };
#pragma unroll
  for (int span = 0; span < T::kDepth - 1; ++span) fetch();
  for (int span = 0; span < spans; ++span) {
    wait_copies<T::kDepth - 2>();
    __syncthreads();  // everyone's copies have landed, and everyone has left the span that is fetched now
    fetch();
    multiply_line<T>(w, q, sums);
    w.advance();
    q.advance();
  }
  store_sums(t, place, sums);
}

}  // namespace

TERNARY_CUDA_GEMM_VARIANT(gemm_a8_dense_bf16_128x64, plain, Patch, kSharedBytes<Patch>,
                          gemm_a8_dense_kernel<Patch, PlainOutputs>)
TERNARY_CUDA_GEMM_VARIANT(gemm_a8_dense_bf16_128x64, groups, GroupPatch, kSharedBytes<GroupPatch>,
                          gemm_a8_dense_kernel<GroupPatch, GroupOutputs>)

int gemm_a8_dense_bf16_128x64(const CudaGemmTask& task, const CudaPlan& plan, const CudaLaunch& how) {
  if (task.group != 0) return launch_gemm<gemm_a8_dense_kernel<GroupPatch, GroupOutputs>, GroupPatch>(plan, how, task);
  return launch_gemm<gemm_a8_dense_kernel<Patch, PlainOutputs>, Patch>(plan, how, task);
}

Reason gemm_a8_dense_bf16_128x64_plan(const CudaProblem& problem, CudaPlan* plan) {
  if (problem.group != 0) return plan_gemm<GroupPatch>(problem, kSharedBytes<GroupPatch>, plan);
  return plan_gemm<Patch>(problem, kSharedBytes<Patch>, plan);
}

}  // namespace ternary::cuda
