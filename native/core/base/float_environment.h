/**
 * @file float_environment.h
 * @brief The floating-point environment of the contract: round to nearest even, denormals kept, no traps.
 *
 * A JVM or another library may have left flush-to-zero on or another rounding mode in the calling thread.
 */
#ifndef TERNARY_CORE_BASE_FLOAT_ENVIRONMENT_H_
#define TERNARY_CORE_BASE_FLOAT_ENVIRONMENT_H_

#include <xmmintrin.h>

namespace ternary {

class FloatEnvironment {
 public:
  FloatEnvironment() : caller_(_mm_getcsr()) { _mm_setcsr(0x1f80); }
  ~FloatEnvironment() { _mm_setcsr(caller_); }
  FloatEnvironment(const FloatEnvironment&) = delete;
  FloatEnvironment& operator=(const FloatEnvironment&) = delete;

 private:
  unsigned caller_;
};

}  // namespace ternary

#endif  // TERNARY_CORE_BASE_FLOAT_ENVIRONMENT_H_
