package org.ternarykernels;

import org.ternarykernels.binding.Ternary;

/** What one value of a weight scale belongs to. */
public enum AlphaKind {
  /** The whole matrix: 1 value. */
  TENSOR(Ternary.TERNARY_ALPHA_TENSOR),
  /** An output feature: N values. */
  ROW(Ternary.TERNARY_ALPHA_ROW),
  /** An input feature: K values, multiplied into X before it is quantised. */
  COLUMN(Ternary.TERNARY_ALPHA_COLUMN),
  /**
   * A group of K in an output feature: {@code [N, ceil(K/group)]} values; the last group may be
   * short.
   */
  GROUP(Ternary.TERNARY_ALPHA_GROUP);

  final int code;

  AlphaKind(int code) {
    this.code = code;
  }
}
