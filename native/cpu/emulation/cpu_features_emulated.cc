// For tests: stands in for cpu_features.cc. Every ISA is there, as far as the emulation's own AVX2, FMA and F16C are.

#include "cpu/cpu_features.h"

namespace ternary::cpu {

const char* isa_missing(Isa isa) {
  if (isa == Isa::portable) return nullptr;
  const bool can = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c") &&
                   __builtin_cpu_supports("bmi2");
  return can ? nullptr : "the emulation needs AVX2, FMA, F16C and BMI2";
}

const char* device_name() { return "emulated processor"; }

const char* device_id() { return "emulation family 0 model 0 stepping 0"; }

}  // namespace ternary::cpu
