/**
 * @file share.h
 * @brief How a product is shared out over a device: pieces of work, the CTAs that take them, what these have on their way.
 *
 * It follows the plans of the kernels (cuda/gemv/gemv_plan.cc, plan_gemm()) without their code.
 */
#ifndef TERNARY_CORE_COST_SHARE_H_
#define TERNARY_CORE_COST_SHARE_H_

#include <cstdint>

#include "core/cost/code.h"
#include "core/cost/device.h"

namespace ternary {

/** Rows of W of a CTA of a kernel of top2: those of tensor memory. */
inline constexpr int kTileRows = 128;

struct CostProblem {
  int64_t M, N, K;
  int64_t x_bytes, y_bytes;  ///< an element's
  int planes;                ///< A16
  int64_t group;             ///< of alpha; 0: none
  int64_t block = 0;         ///< of X; 0: none

  constexpr CudaUnits units() const { return cuda_units(group, block); }
  constexpr int64_t unit() const { return unit_columns(group, block); }
};

/**
 * A piece is what a CTA does at a time: of a GEMV a panel set, of a GEMM a patch, and of both a part of K where it is split.
 * CTAs of a GEMV stay and take pieces in turn; those of a GEMM end, and others take their places.
 */
struct CostShare {
  double pieces;       ///< of the whole product
  double ctas;         ///< that run at a time
  double sharers;      ///< of them read the same W at a time
  double piece_steps;  ///< of 512 weights by the rows that the loop multiplies by the same codes
  double cta_bytes;    ///< of W that a CTA has on its way
  double trips;        ///< times that the busiest warp of a CTA waits for all that it has on its way, of a piece
  double w_reads;      ///< how often all of W goes from the L2 to SMs
  double x_reads;      ///< how often all rows of X do
};

/** CTAs of a kernel that an SM holds at a time for this problem: by its registers, threads and shared memory. */
int resident_ctas(const CostDevice& device, const CostCode& code, const CostProblem& problem);

/**
 * A kernel's plan refuses splits of a GEMM whose CTAs do not all run at a time: they would make parts for nothing, and
 * memory for those without bounds.
 */
bool may_split(const CostDevice& device, const CostCode& code, const CostProblem& problem, int splits);

/** Patches of a GEMM, or of those with as many matrices at a time: along M of all matrices together. */
struct GemmPatches {
  int64_t along_n, along_m, matrices;
  int splits;
};

CostShare share_patches(const CostDevice& device, const CostCode& code, const CostProblem& problem,
                        const GemmPatches& patches);

CostShare share_out(const CostDevice& device, const CostCode& code, const CostProblem& problem, int splits);

/**
 * How kernels of top2 share a product out. A patch of Y is a CTA's, or a pair's that shares rows of X; an SM holds one CTA.
 * CTAs take patches in turn, and write one while they multiply the next.
 */
struct TileShare {
  double pieces;     ///< patches, by splits of K
  double places;     ///< CTAs or pairs that run at a time
  double rounds;     ///< pieces of the busiest of them
  double turns;      ///< of 128 columns of K of a piece
  double sum_bytes;  ///< fp32 sums of all patches, those beyond M and N too
};

TileShare share_tiles(const CostDevice& device, const CostCode& code, const CostProblem& problem, int splits);

/** Bytes of W that an SM has on their way while all CTAs run; those that CTAs share count once. */
double bytes_in_flight(const CostDevice& device, const CostCode& code, const CostProblem& problem, int splits);

}  // namespace ternary

#endif  // TERNARY_CORE_COST_SHARE_H_
