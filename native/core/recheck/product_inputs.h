/**
 * @file product_inputs.h
 * @brief Copies of what a product reads, and its rows made ready by the oracle.
 */
#ifndef TERNARY_CORE_RECHECK_PRODUCT_INPUTS_H_
#define TERNARY_CORE_RECHECK_PRODUCT_INPUTS_H_

#include <vector>

#include "core/product/product.h"

namespace ternary {

using Bytes = std::vector<uint8_t>;

/** Some rows of a matrix, one behind the other. Empty where there is none. */
Bytes copied_rows(const void* matrix, ternary_dtype dtype, int64_t ld, int64_t columns,
                  const std::vector<int64_t>& rows);

/** A matrix that a call may overwrite: copied, and put back. Nothing where `matrix` is null. */
class KeptMatrix {
 public:
  KeptMatrix(void* matrix, ternary_dtype dtype, int64_t rows, int64_t columns, int64_t ld);

  /** Packed: its stride is its columns. Null if there is none. */
  const void* data() const { return bytes_.empty() ? nullptr : bytes_.data(); }
  void restore() const;

 private:
  uint8_t* const matrix_;
  const int64_t rows_, row_bytes_, stride_bytes_;
  Bytes bytes_;
};

/** The residual of operands whose sum goes to the same place; else nothing. */
template <typename Operands>
KeptMatrix overwritten_residual(const Operands& o, int64_t columns) {
  void* const residual = o.residual == o.residual_out ? o.residual_out : nullptr;
  return {residual, o.residual_dtype, o.M, columns, o.ld_residual};
}

/** Rows of X that were made ready; of A8 or A16, what is of the other is empty. */
struct MadeRows {
  /** For M rows of a task whose outputs are not set; `unit` is unit_columns() of the product. Full of what no rows hold. */
  MadeRows(const ActivationTask& task, int64_t M, int64_t unit, ternary_activation activation);

  /** The task with them as its outputs. */
  ActivationTask into(const ActivationTask& task);
  /** Whether both hold the same: bits, NaN as a class. */
  bool same(const MadeRows& other) const;

  int64_t K, unit;
  std::vector<int8_t> q;
  std::vector<float> s, f;
  std::vector<int32_t> q_sums;
};

/** Those that the oracle makes. */
struct OracleRows : MadeRows {
  /** All rows of the product, whose residual sums go to its residual_out. The floating-point environment is the contract's. */
  explicit OracleRows(const Product& product);

  /** The product's task with them as inputs. */
  GemmTask task(const Product& product) const;
};

/** Whether a kernel makes the oracle's rows of a task, whose outputs it does not write: those are the function's own. */
bool makes_oracles_rows(const Kernel& kernel, const ActivationTask& task, int64_t M, int64_t unit,
                        ternary_activation activation);

/** How far an element of A16 may be from the oracle's `expected`; `row` of `rows`. Negative: see a16_bound(). */
double a16_bound_of(const Product& product, const OracleRows& rows, int64_t row, int64_t n, double expected);

}  // namespace ternary

#endif  // TERNARY_CORE_RECHECK_PRODUCT_INPUTS_H_
