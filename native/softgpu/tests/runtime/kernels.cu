#include "softgpu/tests/runtime/kernels.h"

namespace {

constexpr int kThreads = 64;

__constant__ float table[4] = {1, 2, 3, 4};
__device__ int visits;

int ctas_of(int n) { return (n + kThreads - 1) / kThreads; }

__global__ void axpy(int n, float a, const float* x, float* y) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) y[i] = __fmaf_rn(__fmul_rn(a, table[i & 3]), x[i], y[i]);
}

__global__ void add_one(int n, const int* from, int* to) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) to[i] = from[i] + 1;
}

__global__ void count(int n, int* word) {
  if (static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x) < n) atomicAdd(word, 1);
}

__global__ void visit(int n) {
  if (static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x) < n) atomicAdd(&visits, 1);
}

__global__ void reverse(int n, const int* from, int* to) {
  extern __shared__ int row[];
  row[threadIdx.x] = from[threadIdx.x];
  __syncthreads();
  to[threadIdx.x] = row[n - 1 - threadIdx.x];
}

__global__ void __launch_bounds__(64) bounded(int* to) { to[threadIdx.x] = static_cast<int>(threadIdx.x); }

__global__ void read_at(const char* address, int* to) { *to = *reinterpret_cast<const volatile int*>(address); }

__global__ void cluster_ranks(int* to) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  unsigned rank;
  asm("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
  if (threadIdx.x == 0) to[blockIdx.x] = static_cast<int>(rank);
#endif
}

__device__ void wait() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}

__device__ void launch_dependents() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.launch_dependents;");
#endif
}

__global__ void dependent(const int* from, int* to, Mistake mistake) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  int value = 0;
  if (mistake == Mistake::none_early) launch_dependents();
  if (mistake == Mistake::reads_before_wait) value = *reinterpret_cast<const volatile int*>(from + i);
  if (mistake == Mistake::writes_before_wait) to[i] = 0;
  if (mistake != Mistake::never_waits && (mistake != Mistake::one_cta_never_waits || blockIdx.x != 1)) wait();
  if (mistake != Mistake::none_early) launch_dependents();
  if (mistake != Mistake::reads_before_wait) value = *reinterpret_cast<const volatile int*>(from + i);
  to[i] = value + 1;
}

template <class... P, class... A>
cudaError_t launch_with(const cudaLaunchAttribute& attribute, void (*kernel)(P...), int ctas, cudaStream_t stream,
                        A... arguments) {
  cudaLaunchAttribute attributes[1] = {attribute};
  cudaLaunchConfig_t config = {};
  config.gridDim = dim3(ctas);
  config.blockDim = dim3(kThreads);
  config.stream = stream;
  config.attrs = attributes;
  config.numAttrs = 1;
  void* pointers[] = {&arguments...};
  return cudaLaunchKernelExC(&config, reinterpret_cast<const void*>(kernel), pointers);
}

}  // namespace

const void* const kVisits = &visits;
const void* const kReverse = reinterpret_cast<const void*>(&reverse);
const void* const kBounded = reinterpret_cast<const void*>(&bounded);

cudaError_t launch_axpy(int n, float a, const float* x, float* y, cudaStream_t stream) {
  axpy<<<ctas_of(n), kThreads, 0, stream>>>(n, a, x, y);
  return cudaGetLastError();
}

cudaError_t launch_add_one(int n, const int* from, int* to, cudaStream_t stream) {
  add_one<<<ctas_of(n), kThreads, 0, stream>>>(n, from, to);
  return cudaGetLastError();
}

cudaError_t launch_count(int n, int* word, cudaStream_t stream) {
  count<<<ctas_of(n), kThreads, 0, stream>>>(n, word);
  return cudaGetLastError();
}

cudaError_t launch_visit(int n, cudaStream_t stream) {
  visit<<<ctas_of(n), kThreads, 0, stream>>>(n);
  return cudaGetLastError();
}

cudaError_t launch_reverse(int n, const int* from, int* to, size_t shared_bytes, cudaStream_t stream) {
  reverse<<<1, n, shared_bytes, stream>>>(n, from, to);
  return cudaGetLastError();
}

cudaError_t launch_bounded(int threads, int* to, cudaStream_t stream) {
  bounded<<<1, threads, 0, stream>>>(to);
  return cudaGetLastError();
}

cudaError_t launch_read_at(const char* address, int* to, cudaStream_t stream) {
  read_at<<<1, 1, 0, stream>>>(address, to);
  return cudaGetLastError();
}

cudaError_t launch_cluster_ranks(int ctas, int cluster, int* to, cudaStream_t stream) {
  cudaLaunchAttribute attribute = {};
  attribute.id = cudaLaunchAttributeClusterDimension;
  attribute.val.clusterDim.x = static_cast<unsigned>(cluster);
  attribute.val.clusterDim.y = attribute.val.clusterDim.z = 1;
  return launch_with(attribute, cluster_ranks, ctas, stream, to);
}

cudaError_t launch_dependent(int n, const int* from, int* to, Mistake mistake, bool programmatic, cudaStream_t stream) {
  cudaLaunchAttribute attribute = {};
  attribute.id = cudaLaunchAttributeProgrammaticStreamSerialization;
  attribute.val.programmaticStreamSerializationAllowed = programmatic;
  return launch_with(attribute, dependent, n / kThreads, stream, from, to, mistake);
}
