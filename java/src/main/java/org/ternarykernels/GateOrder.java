package org.ternarykernels;

import org.ternarykernels.binding.Ternary;

/**
 * Where the rows of gate and up lie in the matrix of both, which has 2 I of them.
 *
 * @since 0.2.0
 */
public enum GateOrder {
  /** Rows 0 to I - 1 are gate, the others up. */
  GATE_UP(Ternary.TERNARY_GATE_UP),
  /** Rows 0 to I - 1 are up, the others gate. */
  UP_GATE(Ternary.TERNARY_UP_GATE),
  /** Row 2 i is gate, row 2 i + 1 up. */
  INTERLEAVED(Ternary.TERNARY_INTERLEAVED);

  final int code;

  GateOrder(int code) {
    this.code = code;
  }
}
