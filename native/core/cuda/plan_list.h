/**
 * @file plan_list.h
 * @brief The plans that a runtime keeps for its GPU, as JSON.
 */
#ifndef TERNARY_CORE_CUDA_PLAN_LIST_H_
#define TERNARY_CORE_CUDA_PLAN_LIST_H_

#include <string>
#include <vector>

#include "core/cuda/runtime.h"
#include "core/runtime/runtime.h"

namespace ternary {

/** Elements of ternary_runtime_plans()'s `plans`. */
std::vector<std::string> list_plans(const ternary_runtime& runtime, const CudaRuntime& cuda);

}  // namespace ternary

#endif  // TERNARY_CORE_CUDA_PLAN_LIST_H_
