package org.ternarykernels.tool.verify;

/** RMSNorm in double precision, each value rounded once to fp32. */
public final class NormedRows {
  private NormedRows() {}

  /**
   * The rows that a product behind a norm multiplies.
   *
   * @param sums rows of k: the residual stream
   * @param weights of the norm, k
   */
  public static float[] of(float[] sums, int k, float[] weights, float eps) {
    float[] values = new float[sums.length];
    for (int from = 0; from < sums.length; from += k) {
      double squares = 0;
      for (int i = from; i < from + k; i++) {
        squares += (double) sums[i] * sums[i];
      }
      double scale = 1 / Math.sqrt(squares / k + eps);
      for (int i = 0; i < k; i++) {
        values[from + i] = (float) (sums[from + i] * scale * weights[i]);
      }
    }
    return values;
  }
}
