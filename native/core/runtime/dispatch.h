/**
 * @file dispatch.h
 * @brief Policy: which kernel serves a problem, how the work is split, what is counted.
 */
#ifndef TERNARY_CORE_RUNTIME_DISPATCH_H_
#define TERNARY_CORE_RUNTIME_DISPATCH_H_

#include "core/product/product.h"
#include "core/runtime/runtime.h"

namespace ternary {

/** Runs checked arguments on the best kernels of the runtime; throws if none may serve. */
void run_product(ternary_runtime& runtime, const Product& product);

/** Counts that `row` of the runtime's counters served a call, of activations by block if that is not 0, and writes the
 *  report where it is due. The call has been made: nothing here fails it. */
void count_path(ternary_runtime& runtime, Op op, size_t row, int64_t block = 0) noexcept;

}  // namespace ternary

#endif  // TERNARY_CORE_RUNTIME_DISPATCH_H_
