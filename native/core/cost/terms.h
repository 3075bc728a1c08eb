/**
 * @file terms.h
 * @brief What an estimate says, and terms of the cost model that kernels of mma.sync (estimate.cc) and of tcgen05
 * (tiles.cc) have in common.
 */
#ifndef TERNARY_CORE_COST_TERMS_H_
#define TERNARY_CORE_COST_TERMS_H_

#include "core/cost/share.h"

namespace ternary {

struct CostEstimate {
  double us;              ///< of the whole call
  double launch_us;       ///< of starting the kernels
  double byte_us;         ///< of the bytes at the memory's bandwidth
  double instruction_us;  ///< of the slowest pipe, on SMs that are all as busy
  double l2_us;           ///< of the bytes between the L2 and the SMs
  double wait_us;         ///< of the CTA that waits longest for what it asked for: latency that is seen
  double rows_us;         ///< what making rows of X ready adds
};

/** A warp of a kernel alone on its scheduler waits for itself every other time: assumed, of loops with many chains. */
inline constexpr double kIssueOfOneWarp = 0.5;
/** The part of the shorter of two times, memory's and instructions', that the longer does not hide: assumed. */
inline constexpr double kSeen = 0.1;
/** Sums in device memory: fence, ticket and reading back, a latency of the L2 or two each; an atomic add beside a store. */
inline constexpr double kTicketUs = 1.2, kAtomic = 2;

/** Clocks of one SM for a step: the slowest pipe, or the issue of all by `warps` warps. */
double step_clocks(const CostDevice& device, const CostCode& code, double warps);

double y_bytes(const CostProblem& problem);

/** What memory hands over and takes: everything once. */
double memory_bytes(const CostCode& code, const CostProblem& problem);

/**
 * Where latency and not bandwidth sets the pace, beyond the first latency: a CTA waits for all that it has on its way, so
 * many times a piece, piece after piece; and a last round of a few pieces has little on its way, while the device has
 * handed over the rest at its bandwidth.
 */
double waiting_us(const CostDevice& device, const CostShare& share, double byte_us);

/** How much longer than their average the busiest SM computes. */
double busiest(const CostDevice& device, const CostShare& share);

/** Of the slowest pipe, on SMs that are all as busy. */
double instruction_us(const CostDevice& device, const CostCode& code, const CostShare& share);

/** Rows of X made ready by a kernel of its own. */
double staged_rows_us(const CostDevice& device, const CostProblem& problem);

}  // namespace ternary

#endif  // TERNARY_CORE_COST_TERMS_H_
