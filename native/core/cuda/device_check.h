/**
 * @file device_check.h
 * @brief Whether the kernels of the second arrangement of weights (CudaLayout::top2) give right sums on a device.
 *
 * They were made without hardware at hand, and their sums rest on how its accumulators hold whole numbers. So they are
 * asked for a known product before they may serve.
 */
#ifndef TERNARY_CORE_CUDA_DEVICE_CHECK_H_
#define TERNARY_CORE_CUDA_DEVICE_CHECK_H_

#include "core/cuda/device/device.h"

namespace ternary {

/** The kernels of the second arrangement among a device's libraries. */
enum class Top2Kernels : uint8_t {
  none,
  wrong,  ///< they gave wrong sums on this device, and serve nothing
  right
};

/**
 * Runs each A8 kernel once in the process and device, for a small product whose sums reach the edge of fp32's whole
 * numbers. Kernels that fail to run, or give another sum, are `wrong`.
 */
Top2Kernels check_top2_kernels(const CudaDevice& device);

}  // namespace ternary

#endif  // TERNARY_CORE_CUDA_DEVICE_CHECK_H_
