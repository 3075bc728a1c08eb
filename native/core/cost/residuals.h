/**
 * @file residuals.h
 * @brief What measurements say of the model's predictions: a file of them, and the ratios that it comes to.
 *
 * doc/cost-model.md has the format. cuda_bench writes such a file; TERNARY_COST_RESIDUALS names it to a runtime.
 */
#ifndef TERNARY_CORE_COST_RESIDUALS_H_
#define TERNARY_CORE_COST_RESIDUALS_H_

#include <string>
#include <vector>

#include "abi/cuda_rows.h"
#include "core/cost/device.h"

namespace ternary {

/** A measurement. */
struct Residual {
  const CostDevice* device;
  std::string kernel;  ///< CudaRow::name or CudaRow::file
  double ratio;        ///< measured / predicted
};

class Residuals {
 public:
  Residuals() = default;
  explicit Residuals(std::vector<Residual> measured) : measured_(std::move(measured)) {}

  /** Reads a file; none for an empty name. Throws a Failure that names file, line and rule. */
  static Residuals read(const std::string& path);

  /**
   * The median ratio of a row on a device of the table, by name. A row that was not measured has that of all which were, or
   * it would gain by not being looked at; 1 where none was.
   */
  double factor(const char* device, const CudaRow& row) const;

 private:
  std::vector<Residual> measured_;
};

}  // namespace ternary

#endif  // TERNARY_CORE_COST_RESIDUALS_H_
