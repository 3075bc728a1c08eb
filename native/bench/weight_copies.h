/**
 * @file weight_copies.h
 * @brief More copies of weights on a GPU, copied there: packing them again took half of a run's ten minutes.
 */
#ifndef TERNARY_BENCH_WEIGHT_COPIES_H_
#define TERNARY_BENCH_WEIGHT_COPIES_H_

#include "core/cuda/device/device.h"
#include "ternary/ternary.h"

namespace ternary::bench {

/**
 * Weights that are those of `prepared` on the device, where their codes and scales are a copy of their own. On the host
 * their codes are memory that nothing has touched, so they serve no product there. `prepared` has been prepared for the
 * device and has alpha per row.
 */
ternary_weights* copy_on_device(const ternary_weights& prepared, const CudaDevice& device);

}  // namespace ternary::bench

#endif  // TERNARY_BENCH_WEIGHT_COPIES_H_
