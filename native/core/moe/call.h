/**
 * @file call.h
 * @brief Some rows of a call of a layer of experts, and its stages.
 */
#ifndef TERNARY_CORE_MOE_CALL_H_
#define TERNARY_CORE_MOE_CALL_H_

#include "core/moe/plan.h"
#include "core/moe/run_chunks.h"

namespace ternary {

/** The kernels of a call, found once. */
struct MoeKernels {
  MoeKernels(const ternary_runtime& runtime, const ternary_moe& moe);

  const Kernel &activations, &gate, &combine;
  ExpertKernels first, second;  ///< of the products with W13 and W2
};

/** Rows 0 ... M - 1 of `operands`, which are at most sizes.rows of the caller's. */
struct MoeCall {
  ternary_runtime& runtime;
  const ternary_moe& moe;
  const ternary_moe_operands& operands;
  const MoeSizes& sizes;
  const MoeBuffers& buffers;
  MoeKernels& kernels;

  Slots slots() const { return slots_of(operands, sizes.E); }
  float* floats(int thread) const { return buffers.floats + thread * sizes.row_scratch; }
};

/** The products of the experts that have slots, each in its `parts`; returns how many. Sets which x' are gathered. */
int64_t list_products(const MoeCall& call);

/** x' of all rows or slots, made ready where the products look for it. */
void make_inputs(const MoeCall& call, int64_t products);

/** Gate and up of all slots. */
void run_first_products(const MoeCall& call, int64_t products);

/** h of all slots, made ready for the second products. */
void make_hidden(const MoeCall& call);

/** d of all slots. */
void run_second_products(const MoeCall& call, int64_t products);

/** Y of all rows. */
void combine_slots(const MoeCall& call);

}  // namespace ternary

#endif  // TERNARY_CORE_MOE_CALL_H_
