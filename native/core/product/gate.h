/**
 * @file gate.h
 * @brief The oracle of gates: never optimised.
 */
#ifndef TERNARY_CORE_PRODUCT_GATE_H_
#define TERNARY_CORE_PRODUCT_GATE_H_

#include "abi/kernel.h"

namespace ternary::oracle {

/** GateTask of kernel.h for all M rows. */
void gate(const GateTask& task, int64_t M);

}  // namespace ternary::oracle

#endif  // TERNARY_CORE_PRODUCT_GATE_H_
