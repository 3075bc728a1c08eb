package org.ternarykernels;

import org.ternarykernels.binding.Ternary;

/**
 * What becomes of a gate before it multiplies its up.
 *
 * @since 0.2.0
 */
public enum GateFunction {
  /** {@code gate / (1 + exp(-gate))}. */
  SILU(Ternary.TERNARY_SILU),
  /** SILU of the gate or of a limit, the smaller one, for an up within plus and minus the limit. */
  SILU_CLAMP(Ternary.TERNARY_SILU_CLAMP),
  /** {@code max(gate, 0)}, squared. */
  RELU2(Ternary.TERNARY_RELU2),
  /** GELU, in its form of tanh. */
  GELU(Ternary.TERNARY_GELU);

  final int code;

  GateFunction(int code) {
    this.code = code;
  }
}
