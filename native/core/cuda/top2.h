/**
 * @file top2.h
 * @brief Whether a layer is served by kernels of the second arrangement of weights (CudaLayout::top2), libternary_cutlass's.
 *
 * It takes a quarter of a byte a weight besides the first. So a layer has it only if the caller said that it is for many
 * rows of X (expected_rows), and only where the cost model expects less time with it; TERNARY_CUTLASS=1 waives both.
 */
#ifndef TERNARY_CORE_CUDA_TOP2_H_
#define TERNARY_CORE_CUDA_TOP2_H_

#include "core/cuda/device/device.h"
#include "core/policy/settings.h"
#include "core/product/layer.h"

namespace ternary {

class CudaRuntime;

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

/** Whether the caller means the layer for these kernels, wherever they are. */
bool is_for_top2(CutlassChoice choice, const ternary_layer& layer);

/** Whether the layer's products ask these kernels: they may still refuse. */
bool asks_top2(const CudaRuntime& cuda, const ternary_layer& layer);

/** Whether the layer has the second arrangement: it asks these kernels, and they can serve it. */
bool keeps_top2(const CudaRuntime& cuda, const ternary_layer& layer);

}  // namespace ternary

#endif  // TERNARY_CORE_CUDA_TOP2_H_
