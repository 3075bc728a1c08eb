/**
 * @file oracle.h
 * @brief The contract of routing and experts in plain C++, line by line. Never optimised: kernels are compared with it.
 *
 * The contract is native/doc/numerics.md; in brief, with its sections:
 *   11.1  sum[m,e] in 32 partials that start at +0, part[i] = fma(x_k, w_k, part[i]) for k = i mod 32 ascending, a halving
 *         tree; logit = round_logits(sum + router_bias)
 *   11.2  softmax: d_i = exp(l_i - max); their sum in 32 partials, i mod 32, the same tree; p_i = d_i / sum
 *   11.3  softmax_topk: score p_e of all experts; topk_softmax: score = the logit, softmax of the chosen ones in slot order;
 *         sigmoid_topk: score sigmoid(l_e)
 *   11.4  choice score = score + correction_bias[e], for the choice alone
 *   11.5  groups: the sum of a run's two largest choice scores, or its largest; experts of other runs are excluded
 *   11.7-8  descending, at a tie the lower id; a NaN among choice or run scores: ids 0 ... k - 1 with NaN
 *   11.9-10  w = w / (sum over slots + renormalise_eps); w * scaling; one rounding
 *   12.1  id -1: the slot is skipped
 *   12.2  x' = x, x * w where the weight is on the input, rotated, * alpha13 per column; quantised, or A16
 *   12.3  g, u: the product with W13 in fp32, each rounded to round_gate_up
 *   12.4-5  f = function(g), rounded; h = f * u, rounded; h' = h rotated, * alpha2 per column; quantised anew, or A16
 *   12.6  d: the product with W2; d = w * d where the weight is before the rounding; rounded to round_expert
 *   12.7  p = +0; slots ascending p = p + (w * d), or p = p + d where w was used
 *   12.8-9  y = round(p * scaling); residual_out = round(residual + y)
 */
#ifndef TERNARY_CORE_EXPERTS_ORACLE_H_
#define TERNARY_CORE_EXPERTS_ORACLE_H_

#include <vector>

#include "core/experts/moe.h"

namespace ternary::oracle {

/** Ids and weights of checked operands. */
void route(const ternary_route_operands& operands);

/** Slots by expert of checked operands and ids. */
void align(const ternary_align_operands& operands);

/** The sums of checked operands and ids. */
void combine(const ternary_combine_operands& operands);

/** The layer's Y of checked operands and ids. */
void apply_moe(const ternary_moe& moe, const ternary_moe_operands& operands);

/** Steps 12.7 to 12.9 of row m of H columns: d of slot t begins at d[t * H]. Weights that are null were used before. */
void sum_slots(const Slots& slots, const SlotWeights& weights, const std::vector<float>& d, float scaling,
               const SlotSums& sums, int64_t m);

}  // namespace ternary::oracle

#endif  // TERNARY_CORE_EXPERTS_ORACLE_H_
