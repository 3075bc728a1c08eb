package org.ternarykernels.tool.verify;

/**
 * Rows of X rotated in double, as the contract rotates them in fp32.
 *
 * @param block columns that are rotated together
 * @param values {@code [M, K]} rotated, rounded to fp32
 * @param sizes {@code sum |x| / sqrt(block)} of each run of columns of each row: nothing that is
 *     added on the way is larger
 * @param runs of a row
 */
record RotatedRows(int block, float[] values, double[] sizes, int runs) {
  /**
   * @param x {@code [M, K]}, K a multiple of the block
   * @param signs {@code [K]}
   */
  static RotatedRows of(float[] x, int k, int block, float[] signs) {
    float[] values = new float[x.length];
    double[] sizes = new double[x.length / block];
    double factor = 1 / Math.sqrt(block);
    double[] run = new double[block];
    for (int from = 0; from < x.length; from += block) {
      for (int i = 0; i < block; i++) {
        run[i] = (double) x[from + i] * signs[(from + i) % k];
        sizes[from / block] += Math.abs(run[i]) * factor;
      }
      transform(run);
      for (int i = 0; i < block; i++) {
        values[from + i] = (float) (run[i] * factor);
      }
    }
    return new RotatedRows(block, values, sizes, k / block);
  }

  /** Butterflies of stride 1, 2, 4 and so on. */
  private static void transform(double[] run) {
    for (int stride = 1; stride < run.length; stride *= 2) {
      for (int i = 0; i < run.length; i++) {
        if ((i & stride) == 0) {
          double lower = run[i];
          double upper = run[i + stride];
          run[i] = lower + upper;
          run[i + stride] = lower - upper;
        }
      }
    }
  }

  /** Butterflies on the way of a value. */
  int steps() {
    return Integer.numberOfTrailingZeros(block);
  }
}
