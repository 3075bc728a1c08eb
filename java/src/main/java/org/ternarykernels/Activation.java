package org.ternarykernels;

import org.ternarykernels.binding.Ternary;

/** How a product uses its activations. */
public enum Activation {
  /**
   * Quantised to int8 per token by absmax; integer sums. Every kernel on every machine gives the
   * same bits.
   */
  A8(Ternary.TERNARY_A8),
  /**
   * Used as they are, fp32 sums. On one machine the bits do not depend on M, batch position or
   * thread count.
   */
  A16(Ternary.TERNARY_A16);

  final int code;

  Activation(int code) {
    this.code = code;
  }
}
