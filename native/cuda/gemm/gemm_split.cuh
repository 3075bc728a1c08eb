/**
 * @file gemm_split.cuh
 * @brief The end of a patch: its sums, or the parts of the CTAs that share K added up, to Y.
 *
 * A part lies as its threads hold it, quads of four sums: [panel and eight][thread]. So all accesses are of 16 bytes
 * that neighbours continue.
 */
#ifndef TERNARY_CUDA_GEMM_GEMM_SPLIT_CUH_
#define TERNARY_CUDA_GEMM_GEMM_SPLIT_CUH_

#include "cuda/device/cluster.cuh"
#include "cuda/gemm/gemm_patch.cuh"

namespace ternary::cuda {

/** Where the parts of a patch are: in the shared memories of a cluster, or in device memory. */
template <typename Patch>
class GemmParts {
 public:
  static constexpr int kQuads = Patch::kN * Patch::kM / 4;

  /** `ring_bytes`: behind those lie the parts that a CTA leaves before its last, which lies in the ring. */
  __device__ GemmParts(const CudaGemmTask& t, const GemmSplit& split, const GemmRange<Patch>& range, uint4* ring,
                       int ring_bytes)
      : split_(split), ring_(ring), waiting_(ring + ring_bytes / 16), rank_(range.rank) {
    char* sums = static_cast<char*>(t.partial) + split.ticket_bytes;
    memory_ = reinterpret_cast<uint4*>(sums) + int64_t{range.patch} * split.first_part(split.splits) * kQuads;
    ticket_ = static_cast<int32_t*>(t.partial) + range.patch;
  }

  /** Of this CTA's part `part`. */
  __device__ __forceinline__ uint4* place(int part) const {
    if (split_.cluster == 0) return memory_ + int64_t{split_.first_part(rank_) + part} * kQuads;
    return part == split_.parts_of(rank_) - 1 ? ring_ : waiting_ + part * kQuads;
  }

  /** Whether this CTA has outputs to write: all parts are there then. */
  __device__ __forceinline__ bool meet() const {
    if (split_.cluster == 0) return last_to_come(ticket_, split_.splits);
    publish_shared();
    return true;
  }

  /** A quad of part `part` of CTA `rank`. */
  __device__ __forceinline__ uint4 load(int rank, int part, int quad) const {
    if (split_.cluster == 0) return __ldcg(memory_ + int64_t{split_.first_part(rank) + part} * kQuads + quad);
    return load_remote((part == split_.parts_of(rank) - 1 ? ring_ : waiting_ + part * kQuads) + quad, rank);
  }

  __device__ __forceinline__ void leave() const {
    if (split_.cluster != 0) leave_shared();
  }

  /** Quads that this CTA writes to Y: first_quad(rank) ... first_quad(rank + 1) in a cluster, else all. */
  __device__ __forceinline__ int first_quad() const { return split_.cluster == 0 ? 0 : kQuads * rank_ / split_.splits; }
  __device__ __forceinline__ int end_quad() const {
    return split_.cluster == 0 ? kQuads : kQuads * (rank_ + 1) / split_.splits;
  }
  __device__ __forceinline__ const GemmSplit& split() const { return split_; }

 private:
  const GemmSplit& split_;
  uint4* ring_;
  uint4* waiting_;
  uint4* memory_;
  int32_t* ticket_;
  int rank_;
};

__device__ __forceinline__ uint4 quad_of(const int32_t (&v)[4]) {
  return {static_cast<uint32_t>(v[0]), static_cast<uint32_t>(v[1]), static_cast<uint32_t>(v[2]),
          static_cast<uint32_t>(v[3])};
}
__device__ __forceinline__ uint4 quad_of(const float (&v)[4]) {
  return {__float_as_uint(v[0]), __float_as_uint(v[1]), __float_as_uint(v[2]), __float_as_uint(v[3])};
}
__device__ __forceinline__ void add_quad(int32_t (&sum)[4], uint4 v) {
  sum[0] += static_cast<int32_t>(v.x);
  sum[1] += static_cast<int32_t>(v.y);
  sum[2] += static_cast<int32_t>(v.z);
  sum[3] += static_cast<int32_t>(v.w);
}
__device__ __forceinline__ void add_quad(float (&sum)[4], uint4 v) {
  sum[0] = __fadd_rn(sum[0], __uint_as_float(v.x));
  sum[1] = __fadd_rn(sum[1], __uint_as_float(v.y));
  sum[2] = __fadd_rn(sum[2], __uint_as_float(v.z));
  sum[3] = __fadd_rn(sum[3], __uint_as_float(v.w));
}

/** Four sums of the patch to those of their outputs that are in Y. */
template <typename Sums, typename Patch>
__device__ __forceinline__ void write_quad(const CudaGemmTask& t, const Epilogue& out, const GemmPlace<Patch>& place,
                                           int p, int j, const typename Sums::Value (&sum)[4]) {
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    const int64_t m = place.m(j, i), n = place.n(p, i);
    if (m < t.M && n < t.N) Sums::write(t, out, sum[i], {place.rows.x(m), place.rows.y(m)}, n);
  }
}

/** Y of a patch whose K is split: leaves the CTA's last part, and adds up all parts of its share of the outputs. */
template <typename Patch, typename Sums>
__device__ __forceinline__ void end_split(const CudaGemmTask& t, const GemmRange<Patch>& range,
                                          const GemmParts<Patch>& parts, const Sums& sums) {
  const GemmSplit& split = parts.split();
  const int thread = static_cast<int>(threadIdx.x);
  uint4* last = parts.place(split.parts_of(range.rank) - 1) + thread;
  __syncthreads();  // everyone has left the ring
#pragma unroll
  for (int p = 0; p < Patch::kPanels; ++p) {
#pragma unroll
    for (int j = 0; j < Patch::kEights; ++j) last[(p * Patch::kEights + j) * Patch::kThreads] = quad_of(sums.sum(p, j));
  }
  if (!parts.meet()) return;
  const Epilogue out(t);
  const int end = parts.end_quad();
  for (int quad = parts.first_quad() + thread; quad < end; quad += Patch::kThreads) {
    typename Sums::Value sum[4] = {};
    for (int rank = 0; rank < split.splits; ++rank) {
      const int count = split.parts_of(rank);
      for (int part = 0; part < count; ++part) add_quad(sum, parts.load(rank, part, quad));
    }
    const int at = quad / Patch::kThreads;
    const GemmPlace<Patch> place(t.M, range.patch, quad % Patch::kThreads, {});
    write_quad<Sums>(t, out, place, at / Patch::kEights, at % Patch::kEights, sum);
  }
  parts.leave();
}

/** Y of a patch, behind the last span. */
template <typename Patch, typename Sums>
__device__ __forceinline__ void end_patch(const CudaGemmTask& t, const GemmRange<Patch>& range,
                                          const GemmPlace<Patch>& place, const GemmParts<Patch>& parts, Sums& sums) {
  if constexpr (Patch::kSplits) {
    if (parts.split().splits > 1) {
      end_split(t, range, parts, sums);
      return;
    }
  }
  const Epilogue out(t);
#pragma unroll
  for (int p = 0; p < Patch::kPanels; ++p) {
#pragma unroll
    for (int j = 0; j < Patch::kEights; ++j) write_quad<Sums>(t, out, place, p, j, sums.sum(p, j));
  }
}

}  // namespace ternary::cuda

#endif  // TERNARY_CUDA_GEMM_GEMM_SPLIT_CUH_
