/**
 * @file backend_rows.h
 * @brief The rows of the backend library named on the command line, for tests that call kernels themselves.
 */
#ifndef TERNARY_TESTS_SUPPORT_BACKEND_ROWS_H_
#define TERNARY_TESTS_SUPPORT_BACKEND_ROWS_H_

#include <string>
#include <vector>

#include "abi/kernel.h"

namespace ternary::test {

/** The table; the process ends with a message if the library cannot be loaded. */
const Backend& backend();

/** Rows of a stage that this machine can execute. */
std::vector<const Kernel*> runnable_rows(Stage stage);

/** Loops that measure a limit which this machine can execute. */
std::vector<const LimitLoop*> runnable_loops(ternary_limit kind);

/** Runs the row's activations over rows m_begin ... m_end, with scratch of exactly the promised size full of NaN. */
void call_activations(const Kernel& kernel, const ActivationTask& task, int64_t m_begin, int64_t m_end);

/** The same for a rotation, norms of heads, and gates, which get no scratch. */
void call_rotate(const Kernel& kernel, const RotateTask& task, int64_t m_begin, int64_t m_end);
void call_head_norm(const Kernel& kernel, const HeadNormTask& task, int64_t m_begin, int64_t m_end);
void call_gate(const Kernel& kernel, const GateTask& task, int64_t m_begin, int64_t m_end);

/** The same for a product. */
void call_gemm(const Kernel& kernel, const GemmTask& task, int64_t m_begin, int64_t m_end, int64_t n_begin,
               int64_t n_end);

}  // namespace ternary::test

#endif  // TERNARY_TESTS_SUPPORT_BACKEND_ROWS_H_
