/**
 * @file arch.h
 * @brief What host code must know of the architecture that its library is compiled for.
 */
#ifndef TERNARY_CUDA_DEVICE_ARCH_H_
#define TERNARY_CUDA_DEVICE_ARCH_H_

namespace ternary::cuda {

/** "sm90a" is 90. */
constexpr int arch_number(const char* arch) {
  int number = 0;
  for (const char* c = arch; *c != 0; ++c) {
    if (*c >= '0' && *c <= '9') number = 10 * number + (*c - '0');
  }
  return number;
}

/** The largest cluster that every part with clusters runs; other counts of CTAs add their sums up in device memory. */
inline constexpr int kMostCluster = 8;

/** Whether so many CTAs are made a cluster. Those of three or so exist, but powers of two tile every GPC. */
constexpr bool makes_cluster(const char* arch, int ctas) {
  return arch_number(arch) >= 90 && ctas > 1 && ctas <= kMostCluster && (ctas & (ctas - 1)) == 0;
}

}  // namespace ternary::cuda

#endif  // TERNARY_CUDA_DEVICE_ARCH_H_
