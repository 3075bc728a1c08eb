/**
 * @file combine.h
 * @brief What servers ask for by itself: slots sorted by expert, and experts' outputs added up. Their rules.
 */
#ifndef TERNARY_CORE_EXPERTS_COMBINE_H_
#define TERNARY_CORE_EXPERTS_COMBINE_H_

#include <cstddef>

#include "ternary/ternary.h"

namespace ternary {

/** Sizes of the structs in 0.2.0, the first version that had them. */
inline constexpr size_t kFirstAlignBytes = 72, kFirstCombineBytes = 160;

/** As check_operands(): they read no ids, see check_ids(). */
const ternary_align_operands& check_align(const ternary_align_operands* given, ternary_align_operands& room);
const ternary_combine_operands& check_combine(const ternary_combine_operands* given, ternary_combine_operands& room);

}  // namespace ternary

#endif  // TERNARY_CORE_EXPERTS_COMBINE_H_
