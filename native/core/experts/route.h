/**
 * @file route.h
 * @brief Routers: their rules.
 */
#ifndef TERNARY_CORE_EXPERTS_ROUTE_H_
#define TERNARY_CORE_EXPERTS_ROUTE_H_

#include <cstddef>

#include "ternary/ternary.h"

namespace ternary {

/** Size of ternary_route_operands in 0.2.0, the first version that had it. */
inline constexpr size_t kFirstRouteBytes = 200;

/** As check_operands(). */
const ternary_route_operands& check_route(const ternary_route_operands* given, ternary_route_operands& room);

}  // namespace ternary

#endif  // TERNARY_CORE_EXPERTS_ROUTE_H_
