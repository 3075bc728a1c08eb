/**
 * @file quantise_sample.h
 * @brief Some rows and columns of X made int8, for TERNARY_VALIDATE.
 */
#ifndef TERNARY_CORE_RECHECK_QUANTISE_SAMPLE_H_
#define TERNARY_CORE_RECHECK_QUANTISE_SAMPLE_H_

#include "core/recheck/product_inputs.h"
#include "core/recheck/validate.h"

namespace ternary {

/** See validate(). Made before the call; the operands outlive it. */
class QuantiseSample {
 public:
  explicit QuantiseSample(const ternary_quantise_operands& operands);

  /** All of q and s that were chosen. */
  bool right() const;
  /** The call overwrites nothing that it reads. */
  void restore() const {}

  RowSet depends_on(const Witness& witness) const { return rows_of(witness); }
  RowSet suspects(const Witness& witness) const { return rows_of(witness); }

 private:
  const ternary_quantise_operands& operands_;
  const std::vector<int64_t> rows_, columns_;
  const Bytes x_;
  std::vector<float> x_scale_;
};

}  // namespace ternary

#endif  // TERNARY_CORE_RECHECK_QUANTISE_SAMPLE_H_
