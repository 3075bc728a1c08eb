package org.ternarykernels;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * How far outputs of A16 on a GPU may be from the oracle's: both are sums of the same K exact
 * products in fp32, in another order. The oracle rounds each addition to nearest (2^-24 of the
 * partial sum), tensor cores may truncate (2^-23); a partial sum is at most the sum of the
 * magnitudes. Alpha, bias and the steps before the sum are 8 more roundings on either side. Then
 * both are rounded to Y's type, which may be one step of it apart.
 */
record Accuracy(double[] allowed) {
  /**
   * The bound of each row.
   *
   * @param magnitudes of each row: the sum of |x| times the largest |alpha|
   */
  static Accuracy ofSums(int k, double[] magnitudes, float[] bias) {
    double most = 0;
    for (float value : bias == null ? new float[0] : bias) {
      most = Math.max(most, Math.abs(value));
    }
    double[] allowed = new double[magnitudes.length];
    for (int row = 0; row < allowed.length; row++) {
      allowed[row] = (k + 8) * (0x1p-23 + 0x1p-24) * (magnitudes[row] + most) + (k + 8) * 0x1p-148;
    }
    return new Accuracy(allowed);
  }

  static double[] magnitudes(
      TernaryBuffer x, int ldx, TernaryBuffer scale, int m, int k, float[] alphas) {
    double alpha = 0;
    for (float value : alphas) {
      alpha = Math.max(alpha, Math.abs(value));
    }
    double[] sums = new double[m];
    for (int row = 0; row < m; row++) {
      for (int column = 0; column < k; column++) {
        sums[row] += Math.abs(x.get((long) row * ldx + column));
      }
      sums[row] *= alpha * (scale == null ? 1 : Math.abs(scale.get(row)));
    }
    return sums;
  }

  /** Compares row by row; what lies between rows must be the same. */
  void assertWithin(TernaryBuffer actual, TernaryBuffer expected, int m, int n, int ldy) {
    double step =
        switch (actual.dataType()) {
          case F16 -> 0x1p-10;
          case BF16 -> 0x1p-7;
          default -> 0x1p-23;
        };
    for (int i = 0; i < m * ldy; i++) {
      double sum = allowed[i / ldy];
      double bound =
          i % ldy >= n
              ? 0
              : sum + step * (Math.abs(expected.get(i)) + sum) + 0x1p-24; // F16's denormals
      assertThat(Math.abs((double) actual.get(i) - expected.get(i)))
          .as("output %d, %s for %s", i, actual.get(i), expected.get(i))
          .isLessThanOrEqualTo(bound);
    }
  }
}
