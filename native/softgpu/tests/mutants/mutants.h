/**
 * @file mutants.h
 * @brief Kernels with one deliberate mistake each, and the same without it: what the software GPU must report.
 */
#ifndef TERNARY_SOFTGPU_TESTS_MUTANTS_MUTANTS_H_
#define TERNARY_SOFTGPU_TESTS_MUTANTS_MUTANTS_H_

#include <cuda_runtime_api.h>

#include <cstdint>

namespace ternary::softgpu {

enum class Mutant {
  none,
  // block_sum
  missing_syncthreads,
  wrong_shuffle_distance,
  divergent_shuffle,
  divergent_barrier,
  uninitialised_shared,
  shared_off_by_one,
  global_off_by_one,
  misaligned_vector,
  // decode
  wrong_lop3_table,
  contracted_mul_add,
  approximate_division,
  flushed_denormals,
  // staged
  missing_async_wait,
  async_wait_for_too_few,
  missing_sync_after_async_wait,
  // tile
  stale_fragment_layout,
  swapped_register_halves,
  // chain
  read_before_dependency_wait,
  write_before_dependency_wait,
  missing_dependency_wait,
  early_exit_without_wait,
  non_coherent_read_before_wait,
  non_coherent_read_after_wait,
  // cluster
  missing_cluster_barrier,
  peer_used_after_its_end,
  // split_k
  missing_fence_before_ticket,
  missing_fence_after_ticket,
  non_coherent_read_of_partials,
  ticket_not_reset,
  // sum_and_clear
  missing_fence_before_overwriting,
  missing_fence_while_overwriting,
  overwritten_while_others_read,
};

inline constexpr int kBlock = 128;  ///< threads of every CTA here but tile's one warp
inline constexpr int kSums = 4;     ///< CTAs of block_sum, clusters of cluster_sum
inline constexpr int kSplits = 4;   ///< CTAs that share a sum of split_k; CTAs of a cluster
inline constexpr int kChain = 256;  ///< elements of chain, in CTAs of kBlock, and one CTA more that has none

/** to[b] = sum of from[kBlock * b ... + kBlock - 1], b < kSums. */
cudaError_t launch_block_sum(Mutant mutant, const int* from, int* to, cudaStream_t stream);
/** to[i] = codes of from[i], by lop3, over the bits of (a * b + c) / b for floats made of them, i < kBlock. */
cudaError_t launch_decode(Mutant mutant, const uint32_t* from, uint32_t* to, cudaStream_t stream);
/** to[i] = from[(i + 32) mod kBlock] + from[kBlock + (i + 32) mod kBlock], through shared memory. */
cudaError_t launch_staged(Mutant mutant, const int* from, int* to, cudaStream_t stream);
/** to[16][8] = a[16][32] (u8) times b[8][32] (s8) transposed, one warp. */
cudaError_t launch_tile(Mutant mutant, const uint8_t* a, const int8_t* b, int* to, cudaStream_t stream);
/** to[i] = from[i] + 1 for i < kChain, as part of the stream's chain of programmatic launches. */
cudaError_t launch_chain(Mutant mutant, const int* from, int* to, cudaStream_t stream);
/** to[c] = sum of from[kSplits * kBlock * c ...], c < kSums, by a cluster each. */
cudaError_t launch_cluster_sum(Mutant mutant, const int* from, int* to, cudaStream_t stream);
/** *to = sum of from[0 ... kSplits * kBlock - 1]; partial: kSplits * kBlock words, ticket: 0 before and after. */
cudaError_t launch_split_k(Mutant mutant, const int* from, int* to, int* partial, unsigned* ticket,
                           cudaStream_t stream);

/** to[c] += sum of x[0 ... kBlock - 1], c < kSums, then x = 0; ticket: 0 before. */
cudaError_t launch_sum_and_clear(Mutant mutant, int* x, int* to, unsigned* ticket, cudaStream_t stream);

}  // namespace ternary::softgpu

#endif  // TERNARY_SOFTGPU_TESTS_MUTANTS_MUTANTS_H_
