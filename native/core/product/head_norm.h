/**
 * @file head_norm.h
 * @brief Norms of the heads of Q and K: their rules.
 */
#ifndef TERNARY_CORE_PRODUCT_HEAD_NORM_H_
#define TERNARY_CORE_PRODUCT_HEAD_NORM_H_

#include "abi/kernel.h"

namespace ternary {

/** Size of ternary_qk_norm_operands in 0.2.0, the first version that had it. */
inline constexpr size_t kFirstQkNormBytes = 112;

/** As check_operands(). */
const ternary_qk_norm_operands& check_qk_norm(const ternary_qk_norm_operands* given, ternary_qk_norm_operands& room);

/** What ternary_qk_norm() asks for on one side, which is there. */
HeadNormTask head_norm_task(const ternary_heads& heads, int64_t head_dim);

}  // namespace ternary

#endif  // TERNARY_CORE_PRODUCT_HEAD_NORM_H_
