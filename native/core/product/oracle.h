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
 *   7.1  by block: a row with a value that is not finite has s[m,b] = NaN and q = 0; else of each block amax, s = +0 and
 *        q = 0 if it is 0; else a = max(amax, 2^-100), inv = 127 / a, s[m,b] = a / 127, q as in 2.3
 *   7.2  units of E = min(G, B) columns, E = B without groups; c_e = s[m,b] * alpha[n,g], or s[m,b]; super-blocks of
 *        max(1, 2048 / E) units, p_i = fma(float(acc_e), c_e, p_i) ascending from +0; P = p_0, P = P + p_1, ...; with
 *        groups y = P, with bias P + bias; else y = P * alpha[n], with bias fma(P, alpha[n], bias)
 *   8    rotation, behind the norm and before 2.1: signs * x; in each run of R columns for stride 1, 2, 4 ... R / 2 each
 *        pair (i, i + stride) with i & stride = 0 becomes (a + b, a - b); times the fp32 nearest to R^(-1/2). Inverse:
 *        the signs come last
 *   9    norms of heads: section 4 without residual on each head of Q and K, one rounding to the tensor's type
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

/** One element of it, as it is before the rounding to Y's type. */
float gemm_element(const GemmTask& task, ternary_layout layout, int64_t m, int64_t n);

/** All M rows of the task, see RotateTask. */
void rotate(const RotateTask& task, int64_t M);

/** All heads of M rows of the task, see HeadNormTask. */
void head_norm(const HeadNormTask& task, int64_t M);

}  // namespace ternary::oracle

#endif  // TERNARY_CORE_PRODUCT_ORACLE_H_
