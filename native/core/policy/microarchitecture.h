/**
 * @file microarchitecture.h
 * @brief Which design of core a processor has: tuning is keyed by it, because CPUs of one ISA differ by twice.
 */
#ifndef TERNARY_CORE_POLICY_MICROARCHITECTURE_H_
#define TERNARY_CORE_POLICY_MICROARCHITECTURE_H_

#include <string>

namespace ternary {

/** Those that tuning.cc has a row of its own for; `other` stands for the rest. */
enum class Microarchitecture { other, zen3, zen4, zen5, golden_cove };

/** @param device_id  Backend::device_id(): "AuthenticAMD family 26 model 2 stepping 1" */
Microarchitecture microarchitecture_of(const std::string& device_id);

/** "Zen 5"; "other". */
const char* microarchitecture_name(Microarchitecture microarchitecture);

}  // namespace ternary

#endif  // TERNARY_CORE_POLICY_MICROARCHITECTURE_H_
