/**
 * @file reason.h
 * @brief Why a kernel did not serve a problem, from reasons.inc.
 */
#ifndef TERNARY_ABI_REASON_H_
#define TERNARY_ABI_REASON_H_

#include <cstdint>

namespace ternary {

enum class Reason : uint8_t {
#define REASON(name) name,
#include "abi/reasons.inc"
#undef REASON
};

inline constexpr const char* kReasonNames[] = {
#define REASON(name) #name,
#include "abi/reasons.inc"
#undef REASON
};
inline constexpr int kReasonCount = sizeof kReasonNames / sizeof kReasonNames[0];

}  // namespace ternary

#endif  // TERNARY_ABI_REASON_H_
