/**
 * @file kernels.h
 * @brief Launchers of the kernels that test the software GPU's runtime. Each returns what its launch returned.
 */
#ifndef TERNARY_SOFTGPU_TESTS_RUNTIME_KERNELS_H_
#define TERNARY_SOFTGPU_TESTS_RUNTIME_KERNELS_H_

#include <cuda_runtime_api.h>

/** y[i] += a * table[i % 4] * x[i], table = {1, 2, 3, 4} in constant memory. */
cudaError_t launch_axpy(int n, float a, const float* x, float* y, cudaStream_t stream);
/** to[i] = from[i] + 1 */
cudaError_t launch_add_one(int n, const int* from, int* to, cudaStream_t stream);
/** Adds 1 to a word, atomically, from each of n threads. */
cudaError_t launch_count(int n, int* word, cudaStream_t stream);
/** Adds 1 to the variable `visits` of the module from each of n threads. */
cudaError_t launch_visit(int n, cudaStream_t stream);
extern const void* const kVisits;
/** to[i] = from[n - 1 - i] through dynamic shared memory, n <= 1024 threads in one CTA. */
cudaError_t launch_reverse(int n, const int* from, int* to, size_t shared_bytes, cudaStream_t stream);
extern const void* const kReverse;
extern const void* const kBounded;  ///< __launch_bounds__(64)
cudaError_t launch_bounded(int threads, int* to, cudaStream_t stream);
/** Reads an int at an address that need not be aligned. */
cudaError_t launch_read_at(const char* address, int* to, cudaStream_t stream);
/** to[i] = rank of the CTA in its cluster (sm_90 and up). */
cudaError_t launch_cluster_ranks(int ctas, int cluster, int* to, cudaStream_t stream);

/** What a kernel that is launched with programmatic stream serialisation does wrong. */
enum class Mistake {
  none,
  none_early,  ///< nothing: lets its dependents start before it waits
  reads_before_wait,
  writes_before_wait,
  never_waits,
  one_cta_never_waits
};
/** to[i] = from[i] + 1, n a multiple of 64. */
cudaError_t launch_dependent(int n, const int* from, int* to, Mistake mistake, bool programmatic, cudaStream_t stream);

#endif  // TERNARY_SOFTGPU_TESTS_RUNTIME_KERNELS_H_
