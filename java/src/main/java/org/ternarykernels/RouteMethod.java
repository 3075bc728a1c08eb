package org.ternarykernels;

import org.ternarykernels.binding.Ternary;

/**
 * How a router chooses experts, and what their weights are.
 *
 * @since 0.2.0
 */
public enum RouteMethod {
  /** Softmax over all experts, then the largest. */
  SOFTMAX_TOPK(Ternary.TERNARY_SOFTMAX_TOPK),
  /** The largest logits, then softmax over the chosen ones. */
  TOPK_SOFTMAX(Ternary.TERNARY_TOPK_SOFTMAX),
  /** The sigmoid of each logit, then the largest. */
  SIGMOID_TOPK(Ternary.TERNARY_SIGMOID_TOPK);

  final int code;

  RouteMethod(int code) {
    this.code = code;
  }
}
