/**
 * @file cpu_features.h
 * @brief What the processor and the operating system offer. No allocation, no start-up code.
 */
#ifndef TERNARY_CPU_CPU_FEATURES_H_
#define TERNARY_CPU_CPU_FEATURES_H_

#include "abi/kernel.h"

namespace ternary::cpu {

/** Null if kernels of this ISA can run here, else why not, as a phrase. Asks Linux for AMX's registers when needed. */
const char* isa_missing(Isa isa);

/** The processor's name as it gives it, without padding. */
const char* device_name();

/** Vendor, family, model and stepping, e.g. "AuthenticAMD family 25 model 17 stepping 1". */
const char* device_id();

}  // namespace ternary::cpu

#endif  // TERNARY_CPU_CPU_FEATURES_H_
