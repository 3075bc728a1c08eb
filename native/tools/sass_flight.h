/**
 * @file sass_flight.h
 * @brief Bytes of W that a kernel has on their way, by its machine code and the shape of its row.
 */
#ifndef TERNARY_TOOLS_SASS_FLIGHT_H_
#define TERNARY_TOOLS_SASS_FLIGHT_H_

#include <string>
#include <vector>

#include "sass_code.h"

namespace ternary::test {

/** Whether kernels of an architecture can be part of a chain of programmatic launches. */
bool has_pdl(const std::string& arch);

/**
 * Fills the figures from kEarlyLoads on, and kPer16 of a GEMM whose W goes by cp.async. Units are those of
 * CudaVariant::ahead.
 */
void add_flight(const std::string& arch, const CudaRow& row, const CudaVariant& variant, KernelCode& kernel);

/** What a kernel's code does not keep of its row's promise: `ahead` from its first instruction on. */
std::vector<Fault> flight_faults(const std::string& arch, const CudaRow& row, const CudaVariant& variant,
                                 const Figures& figures);

}  // namespace ternary::test

#endif  // TERNARY_TOOLS_SASS_FLIGHT_H_
