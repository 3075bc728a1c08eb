package org.ternarykernels.tool.peer;

import java.util.Locale;

/**
 * A row of Y by a dense product in double, and how far a right peer's may be from it, whatever it
 * does to X: to int8 by the largest size in the row or in parts of it, with sums in fp32 in any
 * order. With u = 2^-24, to first order, the second covered by whole numbers rounded up:
 *
 * <ul>
 *   <li>int8: half a step {@code amax / 254} for each weight that is not 0, and two roundings of
 *       {@code x * inv} by at most {@code 2u * 127} steps: {@code Q = amax * (1/254 + 3u) * sum
 *       |w|}.
 *   <li>fp32: K additions and some products round once each: {@code (K + 6) * u} of {@code sum |x *
 *       w|} and of what quantising added to it, Q.
 * </ul>
 */
final class ExpectedRow {
  private static final double U = 0x1p-24;

  private final double[] exact;
  private final double[] bound;

  /**
   * @param x K values
   * @param w {@code [n, k]} of -1, 0, +1
   */
  ExpectedRow(float[] x, byte[] w, float alpha) {
    int k = x.length;
    exact = new double[w.length / k];
    bound = new double[exact.length];
    double largest = 0;
    for (float value : x) {
      largest = Math.max(largest, Math.abs(value));
    }
    for (int n = 0; n < exact.length; n++) {
      double sum = 0;
      double sizes = 0;
      int weights = 0;
      for (int i = 0; i < k; i++) {
        double term = (double) x[i] * w[n * k + i];
        sum += term;
        sizes += Math.abs(term);
        weights += Math.abs(w[n * k + i]);
      }
      double quantised = largest * (1.0 / 254 + 3 * U) * weights;
      exact[n] = alpha * sum;
      bound[n] = alpha * (quantised + (k + 6) * U * (sizes + quantised));
    }
  }

  /**
   * Compares a row with this one.
   *
   * @param name of the row, for the sentence
   * @return null if it is within the bound, else which value is farthest off, and by how much
   */
  String complaint(String name, float[] y) {
    int worst = -1;
    double most = 1;
    for (int n = 0; n < y.length; n++) {
      double share = Math.abs(y[n] - exact[n]) / bound[n];
      share = Double.isNaN(share) ? y[n] == exact[n] ? 0 : Double.POSITIVE_INFINITY : share;
      if (share > most) {
        most = share;
        worst = n;
      }
    }
    return worst < 0
        ? null
        : String.format(
            Locale.ROOT,
            "wrong result, not timed: %s, column %d is %.6g, must be %.6g +- %.2g: off by %.3g, "
                + "%.3g times the bound",
            name,
            worst,
            y[worst],
            exact[worst],
            bound[worst],
            Math.abs(y[worst] - exact[worst]),
            most);
  }
}
