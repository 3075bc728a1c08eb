// Logits of a router. A lane has one of the contract's 32 partials, so that a warp reads whole lines of W, and a partial's
// chain of fma is a lane's own. X passes through shared memory as fp32.
#include "cuda/device/halving_sum.cuh"
#include "cuda/device/pdl.cuh"
#include "cuda/device/scalar.cuh"
#include "cuda/device/variant.h"
#include "cuda/kernels.h"

namespace ternary::cuda {
namespace {

constexpr int kWarps = 4, kThreads = 32 * kWarps;
/** Columns of X in shared memory at a time: 32 KB of eight rows. */
constexpr int kColumns = 1024;
/** Steps of 32 columns whose loads of W are begun together. */
constexpr int kBatch = 8;

/** Products of some experts with some rows of X, by a warp: experts from `e` on, rows from `m` on. */
template <int kExperts, int kRows>
struct RouterTile {
  const RouterTask& t;
  int64_t E;
  const float* x;  ///< [kRows][kColumns] in shared memory
  int64_t e, m;
  int lane;
  float part[kExperts][kRows];

  __device__ RouterTile(const CudaRouterTask& task, const float* rows, int64_t tile, int64_t expert_tiles)
      : t(task.rows),
        E(task.E),
        x(rows),
        e((tile % expert_tiles * kWarps + threadIdx.x / 32) * kExperts),
        m(tile / expert_tiles * kRows),
        lane(static_cast<int>(threadIdx.x & 31)),
        part() {}

  /** Of experts beyond E the last is read. */
  __device__ int64_t expert(int i) const { return e + i < E ? e + i : E - 1; }

  /** W's first columns into the second-level cache: no kernel of a chain writes them. */
  __device__ void prefetch() const {
    const int64_t bytes = min(t.H, int64_t{4 * kColumns}) * element_bytes(t.w_dtype);
#pragma unroll
    for (int i = 0; i < kExperts; ++i) {
      const char* row = static_cast<const char*>(t.w) + expert(i) * t.ldw * element_bytes(t.w_dtype);
      for (int64_t b = int64_t{128} * lane; b < bytes; b += 128 * 32) {
        asm volatile("prefetch.global.L2 [%0];" : : "l"(row + b));
      }
    }
  }

  /** Zeros beyond M. */
  __device__ void load_rows(int64_t begin, int count, float* rows) const {
#pragma unroll 1
    for (int j = 0; j < kRows; ++j) {
      for (int k = static_cast<int>(threadIdx.x); k < count; k += kThreads) {
        rows[j * kColumns + k] = m + j < t.M ? load_element(t.x, t.x_dtype, (m + j) * t.ldx + begin + k) : 0.0f;
      }
    }
  }

  /** A step of 32 columns, of which this lane has column k of the chunk. */
  __device__ __forceinline__ void add(const float (&w)[kExperts], int k) {
#pragma unroll
    for (int j = 0; j < kRows; ++j) {
      const float value = x[j * kColumns + k];
#pragma unroll
      for (int i = 0; i < kExperts; ++i) part[i][j] = __fmaf_rn(value, w[i], part[i][j]);
    }
  }

  template <ternary_dtype dtype>
  __device__ void add_chunk(int64_t begin, int count) {
    int64_t at[kExperts];
#pragma unroll
    for (int i = 0; i < kExperts; ++i) at[i] = expert(i) * t.ldw + begin;
    int k = lane;
#pragma unroll 1
    for (; k + 32 * (kBatch - 1) < count; k += 32 * kBatch) {
      float w[kBatch][kExperts];
#pragma unroll
      for (int b = 0; b < kBatch; ++b) {
#pragma unroll
        for (int i = 0; i < kExperts; ++i) w[b][i] = load_element(t.w, dtype, at[i] + k + 32 * b);
      }
#pragma unroll
      for (int b = 0; b < kBatch; ++b) add(w[b], k + 32 * b);
    }
#pragma unroll 1
    for (; k < count; k += 32) {
      float w[kExperts];
#pragma unroll
      for (int i = 0; i < kExperts; ++i) w[i] = load_element(t.w, dtype, at[i] + k);
      add(w, k);
    }
  }

  __device__ void add_columns(int64_t begin, int count) {
    if (t.w_dtype == TERNARY_F32) {
      add_chunk<TERNARY_F32>(begin, count);
    } else if (t.w_dtype == TERNARY_BF16) {
      add_chunk<TERNARY_BF16>(begin, count);
    } else {
      add_chunk<TERNARY_F16>(begin, count);
    }
  }

  __device__ void store() const {
#pragma unroll
    for (int i = 0; i < kExperts; ++i) {
#pragma unroll
      for (int j = 0; j < kRows; ++j) {
        float sum = halving_sum(part[i][j]);
        if (lane != 0 || e + i >= E || m + j >= t.M) continue;
        if (t.bias != nullptr) sum = __fadd_rn(sum, t.bias[e + i]);
        t.logits[(m + j) * t.ld_logits + e + i] = rounded(sum, t.round);
      }
    }
  }
};

/** `tiles`: of W by X, those of W first. */
template <int kExperts, int kRows>
__global__ void __launch_bounds__(kThreads) router_kernel(const CudaRouterTask t, int64_t expert_tiles, int64_t tiles) {
  __shared__ float rows[kRows * kColumns];
  pdl_launch_dependents();
  RouterTile<kExperts, kRows>(t, rows, blockIdx.x, expert_tiles).prefetch();
  pdl_wait();
#pragma unroll 1
  for (int64_t i = blockIdx.x; i < tiles; i += gridDim.x) {
    RouterTile<kExperts, kRows> tile(t, rows, i, expert_tiles);
#pragma unroll 1
    for (int64_t begin = 0; begin < t.rows.H; begin += kColumns) {
      const int count = static_cast<int>(min(t.rows.H - begin, int64_t{kColumns}));
      __syncthreads();  // everyone has left the chunk before
      tile.load_rows(begin, count, rows);
      __syncthreads();
      tile.add_columns(begin, count);
    }
    tile.store();
  }
}

template <int kExperts, int kRows>
int launch_router(const CudaRouterTask& task, const CudaLaunch& how) {
  const int64_t expert_tiles = ceil_div(task.E, kWarps * kExperts), tiles = expert_tiles * ceil_div(task.rows.M, kRows);
  const int64_t most = (int64_t{1} << 31) - 1;
  return launch<router_kernel<kExperts, kRows>>(how, dim3(static_cast<unsigned>(tiles < most ? tiles : most)),
                                                dim3(kThreads), 0, 1, task, expert_tiles, tiles);
}

}  // namespace

TERNARY_CUDA_VARIANT(router_any_row, m1, router_kernel<1, 1>)
TERNARY_CUDA_VARIANT(router_any_row, m8, router_kernel<2, 8>)

int router_any_row(const CudaRouterTask& task, const CudaLaunch& how) {
  return task.rows.M == 1 ? launch_router<1, 1>(task, how) : launch_router<2, 8>(task, how);
}

}  // namespace ternary::cuda
