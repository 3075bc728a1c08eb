/**
 * @file rotate.h
 * @brief Rotations as an operation of their own.
 */
#ifndef TERNARY_CORE_PRODUCT_ROTATE_H_
#define TERNARY_CORE_PRODUCT_ROTATE_H_

#include "abi/kernel.h"

namespace ternary {

/** Size of ternary_rotate_operands in 0.2.0, the first version that had it. */
inline constexpr size_t kFirstRotateBytes = 104;

/** As check_operands(). */
const ternary_rotate_operands& check_rotate(const ternary_rotate_operands* given, ternary_rotate_operands& room);

/** All that ternary_rotate() asks for. */
RotateTask rotate_task(const ternary_rotate_operands& operands);

}  // namespace ternary

#endif  // TERNARY_CORE_PRODUCT_ROTATE_H_
