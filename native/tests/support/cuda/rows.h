/**
 * @file rows.h
 * @brief The rows of the GPU backend named on the command line, for tests that launch kernels themselves.
 */
#ifndef TERNARY_TESTS_SUPPORT_CUDA_ROWS_H_
#define TERNARY_TESTS_SUPPORT_CUDA_ROWS_H_

#include <vector>

#include "abi/cuda_kernel.h"

namespace ternary::test {

/** The table; the process ends with a message if the library cannot be loaded. */
const CudaBackend& cuda_backend();

/** Rows of a stage, best first. */
std::vector<const CudaKernel*> cuda_rows(CudaStage stage);

/** Of those the GEMVs. */
std::vector<const CudaKernel*> gemv_rows(CudaStage stage);

/** Whether the device has clusters of CTAs. */
bool has_clusters();

/** The row's plan for a problem, whether or not it serves it. */
CudaPlan planned(const CudaKernel& kernel, const CudaProblem& problem);

/** Why the row does not serve a problem in its ranges of M and K. */
Reason refusal(const CudaKernel& kernel, const CudaProblem& problem);

/** The row of this file name; the process ends with a message if there is none. */
const CudaKernel& cuda_row(const char* file);

}  // namespace ternary::test

#endif  // TERNARY_TESTS_SUPPORT_CUDA_ROWS_H_
