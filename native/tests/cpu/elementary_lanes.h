/**
 * @file elementary_lanes.h
 * @brief The functions of abi/elementary.h on the lanes of an ISA: elementary_lanes.cc, compiled with the ISA's flags.
 */
#ifndef TERNARY_TESTS_CPU_ELEMENTARY_LANES_H_
#define TERNARY_TESTS_CPU_ELEMENTARY_LANES_H_

#include <cstdint>

namespace ternary::test {

/** y[i] = function(x[i]); `count` is a multiple of 16. */
using RowFn = void (*)(const float* x, float* y, int64_t count);

/** silu_clamp's are called with kTestedLimit. */
struct ElementaryFunctions {
  RowFn exp, sigmoid, silu, gelu, relu2, clamp_gate, clamp_up;
};

inline constexpr float kTestedLimit = 7;

ElementaryFunctions elementary_on_portable();
ElementaryFunctions elementary_on_avx2();
ElementaryFunctions elementary_on_avx512();
/** By native/cpu/emulation: needs AVX2. */
ElementaryFunctions elementary_on_emulated_avx512();

}  // namespace ternary::test

#endif  // TERNARY_TESTS_CPU_ELEMENTARY_LANES_H_
