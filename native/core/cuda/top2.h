/**
 * @file top2.h
 * @brief Whether a layer is served by kernels of the second arrangement of weights (CudaLayout::top2), libternary_cutlass's.
 *
 * It takes a quarter of a byte a weight besides the first. So a layer has it only if the caller said that it is for many
 * rows of X (expected_rows), and only where the cost model expects less time with it; TERNARY_CUTLASS=1 waives both.
 */
#ifndef TERNARY_CORE_CUDA_TOP2_H_
#define TERNARY_CORE_CUDA_TOP2_H_

#include "core/cuda/runtime.h"
#include "core/policy/settings.h"
#include "core/product/layer.h"

namespace ternary {

/** Whether the caller means the layer for these kernels, wherever they are. */
bool is_for_top2(CutlassChoice choice, const ternary_layer& layer);

/** Whether the layer's products ask these kernels: they may still refuse. */
bool asks_top2(const CudaRuntime& cuda, const ternary_layer& layer);

/** Whether the layer has the second arrangement: it asks these kernels, and they can serve it. */
bool keeps_top2(const CudaRuntime& cuda, const ternary_layer& layer);

}  // namespace ternary

#endif  // TERNARY_CORE_CUDA_TOP2_H_
