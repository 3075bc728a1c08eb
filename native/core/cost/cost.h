/**
 * @file cost.h
 * @brief The cost model of GPU products: what a kernel should take on a device, from data sheets and its machine code.
 *
 * A product takes the largest of some times: its bytes at the memory's bandwidth, those between the L2 and the SMs at the
 * L2's, latency that too few bytes on their way do not hide, and its instructions through the pipe that needs longest. To
 * that come rows of X made ready, sums of splits, and launches (estimate.h). What a kernel issues and how many CTAs of it
 * an SM holds are in the committed budget of its machine code (abi/cuda_figures.h), and the shape of a CTA in its row
 * (abi/cuda_rows.h). The model ranks kernels, patches and splits; it has been held against no hardware yet.
 */
#ifndef TERNARY_CORE_COST_COST_H_
#define TERNARY_CORE_COST_COST_H_

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "abi/cuda_kernel.h"
#include "core/cost/estimate.h"
#include "core/cost/residuals.h"

namespace ternary {

/**
 * Differences that the model does not see: it prefers the kernel that comes first in the table to one that is expected
 * to take no more than a hundredth less.
 */
inline constexpr double kSameCost = 1.01;

/** What the model expects of a row without figures: nothing, and the order of the table speaks for the row. */
inline constexpr double kUnknownCost = std::numeric_limits<double>::infinity();

/** Rows of X up to which GEMVs serve; products of more may be cut. */
inline constexpr int64_t kMostGemvRows = 16;

/** A kernel that could serve, and what the model expects of it. */
struct CudaChoice {
  const CudaKernel* kernel;
  CudaPlan plan;
  Reason reason;  ///< why it does not serve
  double us;      ///< kUnknownCost: the row has no figures
};

/**
 * Puts the best first, given the order of the table. Allocates nothing. The table puts a row above those that it is
 * better than, and so a row without figures counts as good as the best of those below it.
 */
void order_choices(CudaChoice* begin, CudaChoice* end);

/** A kernel with its splits, and what the model expects of it. */
struct CostWinner {
  const CostCode* code;
  int splits;
  CostEstimate estimate;
};

/** An A8 product whose rows of X two kernels share, one behind the other. */
struct CostCut {
  int64_t rows;  ///< of the first kernel
  CostWinner first, second;
  CostEstimate both;
};

/** What the model knows of a problem. */
CostProblem cost_problem(const CudaProblem& problem);

class CudaCost {
 public:
  /** By cost_device_of(), with what measurements say of that row of the table. */
  CudaCost(const DeviceAttributes& device, bool pdl, const Residuals& residuals = {},
           const FigureLines& figures = kCommittedFigures);
  /** A row of the table by its name, which throws for another. */
  explicit CudaCost(const char* name, const FigureLines& figures = kCommittedFigures);

  /**
   * The row's answer with the splits that cost least among those it can do, and what the model expects then. Of a row
   * without figures the splits are its own choice, and the time is kUnknownCost.
   */
  Reason plan(const CudaKernel& kernel, const CudaProblem& problem, CudaPlan& plan, double& us) const;

  /** The best of an arrangement's kernels among those that have figures, for all rows of X. */
  std::optional<CostWinner> best_of(CudaLayout layout, const CostProblem& problem, bool a8) const;

  /** Whether the best of a layout's kernels is expected to take less than another's, of which two may share an A8 product. */
  bool prefers(CudaLayout layout, CudaLayout over, const CostProblem& problem, bool a8) const;

  /**
   * Where two kernels are expected to take less than `us`, what one takes for all rows: the first for a multiple of 32 rows,
   * the second for the others, of which there are 256 at most. None for as few rows as a GEMV serves.
   */
  std::optional<CostCut> cut(const CostProblem& problem, CudaLayout layout, double us) const;

  /**
   * The kernel and its splits that the model expects to serve first, among those that have figures. Of a product that
   * is cut: the first kernel, and the time of both. By the first arrangement, which every layer has.
   */
  std::optional<CostWinner> best(ternary_layout layout, ternary_activation activation, int64_t M, int64_t N,
                                 int64_t K) const;

  /** For ternary_predict(): best() in its words. */
  std::optional<ternary_prediction> predict(ternary_layout layout, ternary_activation activation, int64_t M, int64_t N,
                                            int64_t K) const;

  /** Forgets the kernels for which `serves(kernel)` is false, those of libraries that are not there. */
  template <typename Serves>
  void keep(Serves serves) {
    kernels_.erase(
        std::remove_if(kernels_.begin(), kernels_.end(), [&](const auto& kernel) { return !serves(kernel); }),
        kernels_.end());
  }

  const CostDevice& device() const { return device_; }
  /** The kernels of the device's architecture. */
  const std::vector<CostKernel>& kernels() const { return kernels_; }

 private:
  enum class Among { all, staged };  ///< staged: X was made ready before
  std::optional<CostWinner> best_kernel(const CostProblem& problem, CudaLayout layout, bool a8, Among among) const;
  /** Null: no figures. */
  const CostCode* code_of(const CudaKernel& kernel, const CostProblem& problem) const;
  /** estimate_cost(), corrected by what was measured. */
  CostEstimate estimate(const CostCode& code, const CostProblem& problem, int splits) const;

  CostDevice device_;
  bool pdl_;
  std::vector<CostKernel> kernels_;
};

}  // namespace ternary

#endif  // TERNARY_CORE_COST_COST_H_
