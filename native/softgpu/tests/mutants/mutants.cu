#include "softgpu/tests/mutants/mutants.h"

#include <utility>

namespace ternary::softgpu {
namespace {

constexpr int kWarp = 32;
constexpr unsigned kAll = 0xffffffffu;

// Sums of blocks: shuffles within warps, shared memory between them.
template <Mutant kMutant>
__global__ void block_sum(const int* from, int* to) {
  __shared__ __align__(16) int words[kBlock];
  const int t = static_cast<int>(threadIdx.x), base = static_cast<int>(blockIdx.x) * kBlock;
  const bool last = blockIdx.x == gridDim.x - 1;
  if (kMutant != Mutant::uninitialised_shared || t != 77) {
    words[kMutant == Mutant::shared_off_by_one ? t + 1 : t] =
        from[base + t + (kMutant == Mutant::global_off_by_one && last ? 1 : 0)];
  }
  if (kMutant != Mutant::missing_syncthreads) __syncthreads();
  if (kMutant == Mutant::divergent_barrier && t % 2 == 0) __syncthreads();
  if (t >= kWarp) return;
  const int4 four = kMutant == Mutant::misaligned_vector
                        ? *reinterpret_cast<const int4*>(reinterpret_cast<const char*>(words + (4 * t) % 120) + 4)
                        : *reinterpret_cast<const int4*>(words + 4 * t);
  int sum = four.x + four.y + four.z + four.w;
  for (int distance = kWarp / 2; distance > 0; distance /= 2) {
    const int step = kMutant == Mutant::wrong_shuffle_distance && distance == 4 ? 2 : distance;
    if (kMutant == Mutant::divergent_shuffle) {
      if (t < kWarp / 2) sum += __shfl_xor_sync(kAll, sum, step);
    } else {
      sum += __shfl_xor_sync(kAll, sum, step);
    }
  }
  if (t == 0) to[blockIdx.x] = sum;
}

// Codes taken out of a word by lop3, then fp32 arithmetic of the epilogue's kind.
template <Mutant kMutant>
__global__ void decode(const uint32_t* from, uint32_t* to) {
  const uint32_t word = from[threadIdx.x];
  uint32_t codes;
  if (kMutant == Mutant::wrong_lop3_table) {
    asm("lop3.b32 %0, %1, 0x03030303, 0x01010101, 0x78;" : "=r"(codes) : "r"(word));  // a ^ (b & c)
  } else {
    asm("lop3.b32 %0, %1, 0x03030303, 0x01010101, 0xea;" : "=r"(codes) : "r"(word));  // (a & b) | c
  }
  const float a = __fadd_rn(static_cast<float>(codes & 0xff), 0.3f), b = __uint_as_float(0x3f800001u | (word >> 20));
  float result = __fadd_rn(__fmul_rn(a, b), 0.7f);
  if (kMutant == Mutant::contracted_mul_add) {
    asm("{.reg .f32 t; mul.f32 t, %1, %2; add.f32 %0, t, %3;}" : "=f"(result) : "f"(a), "f"(b), "f"(0.7f));
  }
  if (kMutant == Mutant::approximate_division) {
    asm("div.approx.f32 %0, %1, %2;" : "=f"(result) : "f"(result), "f"(b));
  } else if (kMutant == Mutant::flushed_denormals) {
    asm("div.rn.ftz.f32 %0, %1, %2;" : "=f"(result) : "f"(result), "f"(b));
  } else {
    result = __fdiv_rn(result, b);
  }
  to[threadIdx.x] = __float_as_uint(result) ^ codes;
}

// Two rows through shared memory by cp.async, a group each; threads read what other warps have copied.
template <Mutant kMutant>
__global__ void staged(const int* from, int* to) {
  __shared__ int rows[2][kBlock];
  const int t = static_cast<int>(threadIdx.x);
  for (int row = 0; row < 2; ++row) {
    const unsigned target = static_cast<unsigned>(__cvta_generic_to_shared(&rows[row][t]));
    asm volatile("cp.async.ca.shared.global [%0], [%1], 4;" ::"r"(target), "l"(from + row * kBlock + t) : "memory");
    asm volatile("cp.async.commit_group;" ::: "memory");
  }
  if (kMutant == Mutant::async_wait_for_too_few) {
    asm volatile("cp.async.wait_group 1;" ::: "memory");
  } else if (kMutant != Mutant::missing_async_wait) {
    asm volatile("cp.async.wait_group 0;" ::: "memory");
  }
  if (kMutant != Mutant::missing_sync_after_async_wait) __syncthreads();
  const int other = (t + kWarp) % kBlock;
  to[t] = rows[0][other] + rows[1][other];
}

// One tile by mma.sync.m16n8k32 from plain row-major matrices.
template <Mutant kMutant>
__global__ void tile(const uint8_t* a, const int8_t* b, int* to) {
  const int lane = static_cast<int>(threadIdx.x), g = lane / 4, t = lane % 4;
  unsigned aw[4], bw[2];
  for (int r = 0; r < 4; ++r) {
    // The order of an older layout: rows and columns of the quarters exchanged.
    const bool lower = kMutant == Mutant::stale_fragment_layout ? r / 2 : r % 2;
    const bool right = kMutant == Mutant::stale_fragment_layout ? r % 2 : r / 2;
    aw[r] = *reinterpret_cast<const unsigned*>(a + (g + (lower ? 8 : 0)) * 32 + (right ? 16 : 0) + 4 * t);
  }
  for (int r = 0; r < 2; ++r) bw[r] = *reinterpret_cast<const unsigned*>(b + g * 32 + 16 * r + 4 * t);
  if (kMutant == Mutant::swapped_register_halves) {
    const unsigned first = bw[0];
    bw[0] = bw[1];
    bw[1] = first;
  }
  int d[4] = {};
  asm("mma.sync.aligned.m16n8k32.row.col.s32.u8.s8.s32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+r"(d[0]), "+r"(d[1]), "+r"(d[2]), "+r"(d[3])
      : "r"(aw[0]), "r"(aw[1]), "r"(aw[2]), "r"(aw[3]), "r"(bw[0]), "r"(bw[1]));
  for (int i = 0; i < 4; ++i) to[(g + (i < 2 ? 0 : 8)) * 8 + 2 * t + i % 2] = d[i];
}

__device__ void wait_for_dependencies() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}

/** By the path for what nobody writes while the kernel runs. */
__device__ int non_coherent(const int* from) {
  int value;
  asm volatile("ld.global.nc.L1::no_allocate.s32 %0, [%1];" : "=r"(value) : "l"(from) : "memory");
  return value;
}

template <Mutant kMutant>
__global__ void chain(const int* from, int* to) {
  const int i = static_cast<int>(blockIdx.x) * kBlock + static_cast<int>(threadIdx.x);
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
  if (i >= kChain) {  // the last CTA has nothing to do
    if (kMutant != Mutant::early_exit_without_wait) wait_for_dependencies();
    return;
  }
  int value = 0;
  if (kMutant == Mutant::read_before_dependency_wait) value = *const_cast<const volatile int*>(from + i);
  if (kMutant == Mutant::non_coherent_read_before_wait) value = non_coherent(from + i);
  if (kMutant == Mutant::write_before_dependency_wait) *const_cast<volatile int*>(to + i) = 0;
  if (kMutant != Mutant::missing_dependency_wait) wait_for_dependencies();
  if (kMutant == Mutant::non_coherent_read_after_wait) {
    value = non_coherent(from + i);
  } else if (kMutant != Mutant::read_before_dependency_wait && kMutant != Mutant::non_coherent_read_before_wait) {
    value = *const_cast<const volatile int*>(from + i);
  }
  to[i] = value + 1;
}

// Every CTA sums its share, the first of a cluster fetches the others' sums from their shared memory.
template <Mutant kMutant>
__global__ void cluster_sum(const int* from, int* to) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  __shared__ int sum;
  const int t = static_cast<int>(threadIdx.x);
  if (t == 0) {
    int own = 0;
    for (int i = 0; i < kBlock; ++i) own += from[static_cast<int>(blockIdx.x) * kBlock + i];
    sum = own;
  }
  const auto meet = [] {
    asm volatile("barrier.cluster.arrive.release.aligned;\nbarrier.cluster.wait.acquire.aligned;" ::: "memory");
  };
  if (kMutant != Mutant::missing_cluster_barrier) meet();
  unsigned rank;
  asm("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
  if (rank == 0 && t == 0) {
    int total = 0;
    for (unsigned peer = 0; peer < kSplits; ++peer) {
      unsigned address;
      int value;
      asm volatile("mapa.shared::cluster.u32 %0, %1, %2;"
                   : "=r"(address)
                   : "r"(static_cast<unsigned>(__cvta_generic_to_shared(&sum))), "r"(peer));
      asm volatile("ld.shared::cluster.s32 %0, [%1];" : "=r"(value) : "r"(address) : "memory");
      total += value;
    }
    to[blockIdx.x / kSplits] = total;
  }
  if (kMutant != Mutant::peer_used_after_its_end) meet();
#endif
}

// Partial results in global memory; the CTA that draws the last ticket sums them.
template <Mutant kMutant>
__global__ void split_k(const int* from, int* to, int* partial, unsigned* ticket) {
  __shared__ bool last;
  __shared__ int total;
  const int t = static_cast<int>(threadIdx.x), i = static_cast<int>(blockIdx.x) * kBlock + t;
  partial[i] = from[i];
  if (kMutant != Mutant::missing_fence_before_ticket) __threadfence();
  __syncthreads();
  if (t == 0) {
    last = atomicAdd(ticket, 1u) == gridDim.x - 1;
    total = 0;
  }
  __syncthreads();
  if (!last) return;
  if (kMutant != Mutant::missing_fence_after_ticket) __threadfence();
  int sum = 0;
  for (int part = 0; part < kSplits; ++part) {
    const int* of_part = partial + part * kBlock + t;
    sum += kMutant == Mutant::non_coherent_read_of_partials ? non_coherent(of_part) : *of_part;
  }
  atomicAdd(&total, sum);
  __syncthreads();
  if (t == 0) {
    *to = total;
    if (kMutant != Mutant::ticket_not_reset) atomicExch(ticket, 0u);
  }
}

// Every CTA reads the same words, the last one overwrites them.
template <Mutant kMutant>
__global__ void sum_and_clear(int* x, int* to, unsigned* ticket) {
  __shared__ bool last;
  const int t = static_cast<int>(threadIdx.x);
  atomicAdd(to + blockIdx.x, x[t]);
  if (kMutant != Mutant::missing_fence_before_overwriting) __threadfence();
  __syncthreads();
  if (t == 0) {
    last = kMutant == Mutant::overwritten_while_others_read ? blockIdx.x == 0 : atomicAdd(ticket, 1u) == gridDim.x - 1;
  }
  __syncthreads();
  if (!last) return;
  if (kMutant != Mutant::missing_fence_while_overwriting) __threadfence();
  x[t] = 0;
}

/** Calls `launch` with the mutant as a constant, which must be one of those given. */
template <Mutant... kMutants, class Launch>
cudaError_t with(Mutant mutant, Launch launch) {
  cudaError_t error = cudaErrorInvalidValue;
  ((mutant == kMutants && (error = launch(std::integral_constant<Mutant, kMutants>()), true)) || ...);
  return error;
}

template <class... P, class... A>
cudaError_t launch_with(cudaLaunchAttribute attribute, void (*kernel)(P...), int ctas, cudaStream_t stream,
                        A... values) {
  cudaLaunchConfig_t config = {};
  config.gridDim = dim3(static_cast<unsigned>(ctas));
  config.blockDim = dim3(kBlock);
  config.stream = stream;
  config.attrs = &attribute;
  config.numAttrs = 1;
  void* pointers[] = {&values...};
  return cudaLaunchKernelExC(&config, reinterpret_cast<const void*>(kernel), pointers);
}

}  // namespace

cudaError_t launch_block_sum(Mutant mutant, const int* from, int* to, cudaStream_t stream) {
  return with<Mutant::none, Mutant::missing_syncthreads, Mutant::wrong_shuffle_distance, Mutant::divergent_shuffle,
              Mutant::divergent_barrier, Mutant::uninitialised_shared, Mutant::shared_off_by_one,
              Mutant::global_off_by_one, Mutant::misaligned_vector>(mutant, [&](auto which) {
    block_sum<which()><<<kSums, kBlock, 0, stream>>>(from, to);
    return cudaGetLastError();
  });
}

cudaError_t launch_decode(Mutant mutant, const uint32_t* from, uint32_t* to, cudaStream_t stream) {
  return with<Mutant::none, Mutant::wrong_lop3_table, Mutant::contracted_mul_add, Mutant::approximate_division,
              Mutant::flushed_denormals>(mutant, [&](auto which) {
    decode<which()><<<1, kBlock, 0, stream>>>(from, to);
    return cudaGetLastError();
  });
}

cudaError_t launch_staged(Mutant mutant, const int* from, int* to, cudaStream_t stream) {
  return with<Mutant::none, Mutant::missing_async_wait, Mutant::async_wait_for_too_few,
              Mutant::missing_sync_after_async_wait>(mutant, [&](auto which) {
    staged<which()><<<1, kBlock, 0, stream>>>(from, to);
    return cudaGetLastError();
  });
}

cudaError_t launch_tile(Mutant mutant, const uint8_t* a, const int8_t* b, int* to, cudaStream_t stream) {
  return with<Mutant::none, Mutant::stale_fragment_layout, Mutant::swapped_register_halves>(mutant, [&](auto which) {
    tile<which()><<<1, kWarp, 0, stream>>>(a, b, to);
    return cudaGetLastError();
  });
}

cudaError_t launch_chain(Mutant mutant, const int* from, int* to, cudaStream_t stream) {
  cudaLaunchAttribute attribute = {};
  attribute.id = cudaLaunchAttributeProgrammaticStreamSerialization;
  attribute.val.programmaticStreamSerializationAllowed = 1;
  return with<Mutant::none, Mutant::read_before_dependency_wait, Mutant::write_before_dependency_wait,
              Mutant::missing_dependency_wait, Mutant::early_exit_without_wait, Mutant::non_coherent_read_before_wait,
              Mutant::non_coherent_read_after_wait>(mutant, [&](auto which) {
    return launch_with(attribute, chain<which()>, kChain / kBlock + 1, stream, from, to);
  });
}

cudaError_t launch_cluster_sum(Mutant mutant, const int* from, int* to, cudaStream_t stream) {
  cudaLaunchAttribute attribute = {};
  attribute.id = cudaLaunchAttributeClusterDimension;
  attribute.val.clusterDim.x = kSplits;
  attribute.val.clusterDim.y = attribute.val.clusterDim.z = 1;
  return with<Mutant::none, Mutant::missing_cluster_barrier, Mutant::peer_used_after_its_end>(mutant, [&](auto which) {
    return launch_with(attribute, cluster_sum<which()>, kSums * kSplits, stream, from, to);
  });
}

cudaError_t launch_split_k(Mutant mutant, const int* from, int* to, int* partial, unsigned* ticket,
                           cudaStream_t stream) {
  return with<Mutant::none, Mutant::missing_fence_before_ticket, Mutant::missing_fence_after_ticket,
              Mutant::non_coherent_read_of_partials, Mutant::ticket_not_reset>(mutant, [&](auto which) {
    split_k<which()><<<kSplits, kBlock, 0, stream>>>(from, to, partial, ticket);
    return cudaGetLastError();
  });
}

cudaError_t launch_sum_and_clear(Mutant mutant, int* x, int* to, unsigned* ticket, cudaStream_t stream) {
  return with<Mutant::none, Mutant::missing_fence_before_overwriting, Mutant::missing_fence_while_overwriting,
              Mutant::overwritten_while_others_read>(mutant, [&](auto which) {
    sum_and_clear<which()><<<kSums, kBlock, 0, stream>>>(x, to, ticket);
    return cudaGetLastError();
  });
}

}  // namespace ternary::softgpu
