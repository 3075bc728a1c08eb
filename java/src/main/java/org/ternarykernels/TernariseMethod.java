package org.ternarykernels;

import org.ternarykernels.binding.Ternary;

/** How dense weights become codes and scales. */
public enum TernariseMethod {
  /**
   * BitNet b1.58: {@code alpha = max(mean|w|, 1e-5)}, {@code w = clamp(round_half_even(w / alpha),
   * -1, 1)}.
   */
  ABSMEAN(Ternary.TERNARY_ABSMEAN),
  /**
   * Mangrove: keeps {@code |w| > 0.7 * mean|w|}; alpha is the mean of the kept {@code |w|}, 0 if
   * none is kept.
   */
  THRESHOLD(Ternary.TERNARY_THRESHOLD);

  final int code;

  TernariseMethod(int code) {
    this.code = code;
  }
}
