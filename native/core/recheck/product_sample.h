/**
 * @file product_sample.h
 * @brief Some rows and columns of a product, for TERNARY_VALIDATE.
 */
#ifndef TERNARY_CORE_RECHECK_PRODUCT_SAMPLE_H_
#define TERNARY_CORE_RECHECK_PRODUCT_SAMPLE_H_

#include "core/recheck/product_inputs.h"
#include "core/recheck/validate.h"

namespace ternary {

/** See validate(). Made before the call; the product outlives it. */
class ProductSample {
 public:
  ProductSample(const ternary_runtime& runtime, const Product& product);

  /** Of Y the bits, of A16 within its bound; of the residual's sum the bits. */
  bool right();
  void restore() const { overwritten_.restore(); }

  RowSet depends_on(const Witness& witness) const;
  /** Of the last right() that was false. On the CPU rows are made ready by a row of their own: it is asked again, and is the
   *  suspect if it is wrong. Else the product's row is; of two that share a product's rows of X, that of the wrong one. */
  RowSet suspects(const Witness& witness) const;

 private:
  /** The chosen rows as a product of their own. */
  ternary_operands packed(void* residual_out) const;
  bool row_is_right(const Product& few, const OracleRows& ready, const GemmTask& task, int64_t i) const;
  bool makes_rows_ready(const Kernel& kernel) const;

  const ternary_runtime& runtime_;
  const Product& product_;
  const std::vector<int64_t> rows_, columns_;
  const Bytes x_, residual_;
  const std::vector<float> x_scale_;
  const KeptMatrix overwritten_;
  int64_t wrong_row_ = 0;
};

}  // namespace ternary

#endif  // TERNARY_CORE_RECHECK_PRODUCT_SAMPLE_H_
