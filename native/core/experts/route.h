/**
 * @file route.h
 * @brief Routers: their rules, and what kernels are given.
 */
#ifndef TERNARY_CORE_EXPERTS_ROUTE_H_
#define TERNARY_CORE_EXPERTS_ROUTE_H_

#include <cstddef>

#include "abi/kernel.h"

namespace ternary {

/** Size of ternary_route_operands in 0.2.0, the first version that had it. */
inline constexpr size_t kFirstRouteBytes = 200;

/** As check_operands(). */
const ternary_route_operands& check_route(const ternary_route_operands* given, ternary_route_operands& room);

/** The products of a router, which make `logits` [M, E]. */
RouterTask router_task(const ternary_route_operands& operands, float* logits);
/** The choice by the operands' logits, or else by those that were made. */
RouteTask route_task(const ternary_route_operands& operands, const float* made);

}  // namespace ternary

#endif  // TERNARY_CORE_EXPERTS_ROUTE_H_
