/**
 * @file dispatch.h
 * @brief Runs layers of experts on the CPU.
 */
#ifndef TERNARY_CORE_MOE_DISPATCH_H_
#define TERNARY_CORE_MOE_DISPATCH_H_

#include "core/experts/moe.h"
#include "core/runtime/runtime.h"

namespace ternary {

/** Runs checked operands, whose ids have been checked too; throws, before anything is written, if no kernel may serve. */
void run_moe(ternary_runtime& runtime, const ternary_moe& moe, const ternary_moe_operands& operands);

}  // namespace ternary

#endif  // TERNARY_CORE_MOE_DISPATCH_H_
