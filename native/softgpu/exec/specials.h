/**
 * @file specials.h
 * @brief Special registers whose lanes are known when a warp starts. %clock and its like are mov's business.
 */
#ifndef TERNARY_SOFTGPU_EXEC_SPECIALS_H_
#define TERNARY_SOFTGPU_EXEC_SPECIALS_H_

#include <string>

#include "softgpu/exec/warp.h"

namespace ternary::softgpu {

/** Bits of the register, 1 for a predicate, 0 if there is no such register. */
int special_bits(const std::string& name);

/** Fills the places of code().specials. */
void fill_specials(Warp& warp);

}  // namespace ternary::softgpu

#endif  // TERNARY_SOFTGPU_EXEC_SPECIALS_H_
