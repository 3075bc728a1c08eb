/**
 * @file oracle.h
 * @brief The numerics contract in plain C++, line by line. Never optimised: it is what kernels are compared with.
 *
 * The contract is native/doc/numerics.md; in brief, with its sections:
 *   1    fp32, round to nearest even, denormals kept; fma only where written
 *   2.1  x'[m,k] = x[m,k] * alpha[k] if alpha is per column, else x
 *   2.2  amax = the largest |x'[m,k]| compared as bit patterns without the sign; a = max(amax, 1e-5), inv = 127 / a,
 *        s[m] = a / 127; NaN if amax is not finite
 *   2.3  q[m,k] = clamp(round_half_even(x'[m,k] * inv), -127, 127)
 *   3.1  acc[m,n] = sum of q * w, exact
 *   3.2  c = s[m] * alpha[n], y = float(acc) * c, with bias fma(float(acc), c, bias)
 *   3.3  alpha per group: super-blocks of max(1, 2048 / G) groups, p_b = fma(float(acc_g), alpha[n,g], p_b) ascending,
 *        sums of super-blocks ascending; y = p * s[m], with bias fma(p, s[m], bias)
 *   3.4  one rounding to Y's type
 *   4    RMSNorm: v = x + residual rounded once to the residual's type; 256 partial sums of squares, part[i] =
 *        fma(v_k, v_k, part[i]) for k = i mod 256 ascending, a halving tree, r = 1 / sqrt(sum / K + eps) (NaN if the
 *        sum is not finite), n = (v * r) * weight
 */
#ifndef TERNARY_CORE_PRODUCT_ORACLE_H_
#define TERNARY_CORE_PRODUCT_ORACLE_H_

#include "abi/kernel.h"
#include "core/weights/weights.h"

namespace ternary::oracle {

/** Makes all M rows of the task ready, see ActivationTask. */
void activations(const ActivationTask& task, int64_t M);

/** The product and epilogue of the task for all M and N, see GemmTask; A8 if task.q is set, else A16. */
void gemm(const GemmTask& task, ternary_layout layout);

}  // namespace ternary::oracle

#endif  // TERNARY_CORE_PRODUCT_ORACLE_H_
