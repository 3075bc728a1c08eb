/**
 * @file plan.h
 * @brief How a call of a layer of experts is served on a GPU: sizes, kernels, and where everything lies in the workspace.
 *
 * Slot t of row m is m * T + t in all of it: gates, ups, h and d lie by slot, whether slots have been sorted or not.
 */
#ifndef TERNARY_CORE_CUDA_MOE_PLAN_H_
#define TERNARY_CORE_CUDA_MOE_PLAN_H_

#include "abi/cuda_kernel.h"
#include "core/cuda/runtime.h"
#include "core/experts/moe.h"

struct ternary_runtime;

namespace ternary {

/** Slots of the rows that are taken at once: scratch of a layer is bounded by them. */
inline constexpr int64_t kMostSlotsAtOnce = 16384;

/** Tickets of sums over slots: more rows and columns are summed by a kernel of their own. */
inline constexpr int64_t kMostSumTickets = 65536;

/** Rows ready for a product with one matrix of the layer: offsets in the workspace, and what a row has there. */
struct CudaReadyRows {
  int64_t K, padded, unit, block;
  bool a8;
  int64_t q, s, q_sums, planes;
};

/** What does not depend on where operands are. */
struct CudaMoePlan {
  CudaMoePlan(const ternary_moe& moe, int64_t M, int64_t T);

  int64_t T, E, H, I;
  int64_t rows;           ///< of X at once
  bool by_slot;           ///< x' differs from slot to slot of a row
  int64_t parts;          ///< x' of a slot: 2 where gate and up have columns' alphas of their own
  ternary_dtype d_dtype;  ///< of what experts make
  CudaReadyRows x, h;
  int64_t order, offsets, gate_up, d, tickets;  ///< offsets in the workspace
  int64_t bytes;

  int64_t slots() const { return rows * T; }
};

/** The kernels of a call, found once. */
struct CudaMoeKernels {
  /** Counts those that would have served, had they not been switched off. */
  CudaMoeKernels(ternary_runtime& runtime, const CudaRuntime& cuda, const ternary_moe& moe, const CudaMoePlan& plan);

  const CudaKernel* align;  ///< null: slots are not sorted
  const CudaKernel &rows, &gate_up;
  const CudaKernel* gate;  ///< null: gate_up does it
  const CudaKernel& down;
  const CudaKernel* combine;          ///< null: down does it
  int64_t gate_tickets, sum_tickets;  ///< of a call's rows at once; 0 with a kernel of their own
};

}  // namespace ternary

#endif  // TERNARY_CORE_CUDA_MOE_PLAN_H_
