/**
 * @file moe_sample.h
 * @brief Some rows and columns of a layer of experts, for TERNARY_VALIDATE.
 */
#ifndef TERNARY_CORE_RECHECK_MOE_SAMPLE_H_
#define TERNARY_CORE_RECHECK_MOE_SAMPLE_H_

#include "core/experts/moe.h"
#include "core/recheck/product_inputs.h"
#include "core/recheck/validate.h"

namespace ternary {

/** See validate(). Made before the call; the layer and its operands outlive it. */
class MoeSample {
 public:
  MoeSample(const ternary_runtime& runtime, const ternary_moe& moe, const ternary_moe_operands& operands);

  /** The bits of Y and of the residual's sum. */
  bool right();
  void restore() const { overwritten_.restore(); }

  RowSet depends_on(const Witness& witness) const;
  /** On the CPU what makes rows ready, if it is wrong for these rows of X. Else the rows of both products together: which of
   *  them a wrong sum comes from cannot be told from Y. One that is switched off in vain costs time, one that is left on
   *  costs results. */
  RowSet suspects(const Witness& witness) const;

 private:
  bool makes_rows_ready(const Kernel& kernel) const;

  const ternary_runtime& runtime_;
  const ternary_moe& moe_;
  const ternary_moe_operands& operands_;
  const std::vector<int64_t> rows_, columns_;
  const Bytes x_, ids_, weights_, residual_;
  std::vector<float> x_scale_;
  const KeptMatrix overwritten_;
};

}  // namespace ternary

#endif  // TERNARY_CORE_RECHECK_MOE_SAMPLE_H_
