package org.ternarykernels.tool.verify;

import java.util.HashMap;
import java.util.Map;
import java.util.stream.IntStream;
import org.ternarykernels.Alpha;
import org.ternarykernels.AlphaKind;
import org.ternarykernels.tool.problem.ScalarFormat;

/**
 * {@code Y = X * (alpha * w)^T + bias} with dense weights, twice: in fp16 (X and alpha * w rounded
 * to fp16, sums in fp32, Y rounded to fp16) and in fp32 (sums in double, rounded once, so that the
 * reference's own error does not count). With it the sums that {@link ErrorBound} needs. fp16 alone
 * would not do: squared ReLU overflows it.
 */
public final class DenseReference {
  public final int m;
  public final int n;
  final int k;
  final AlphaKind alphaKind;

  /** Parts that an output's sum is computed in: groups of K, or 1. */
  final int groups;

  final float[] bias;
  public final float[] fp32;
  public final float[] fp16;

  /** {@code sum |x * alpha * w|} of each output. */
  final double[] absolute;

  /** {@code sum |alpha * w|} of each output feature with any alpha. */
  final double[] scaledWeight;

  /** {@code sum |x|} of each row. */
  final double[] rowSum;

  private final float[] x;
  private final byte[] w;
  private final Alpha alpha;

  /** What {@link #weights} has made: every kernel asks for the same. */
  private final Map<Integer, double[]> weights = new HashMap<>();

  /**
   * @param x {@code [m, k]}, exact
   * @param w {@code [n, k]} of -1, 0, +1
   * @param bias {@code [n]}
   */
  public DenseReference(float[] x, int m, byte[] w, int n, int k, Alpha alpha, float[] bias) {
    this.m = m;
    this.n = n;
    this.k = k;
    this.bias = bias;
    this.x = x;
    this.w = w;
    this.alpha = alpha;
    alphaKind = alpha.kind();
    groups = alphaKind == AlphaKind.GROUP ? (int) ((k + alpha.group() - 1) / alpha.group()) : 1;
    fp32 = new float[m * n];
    fp16 = new float[m * n];
    absolute = new double[m * n];
    scaledWeight = new double[n];
    rowSum = new double[m];
    float[] values = alpha.values();
    float[] x16 = new float[x.length];
    for (int i = 0; i < x.length; i++) {
      x16[i] = ScalarFormat.roundToHalf(x[i]);
      rowSum[i / k] += Math.abs(x[i]);
    }
    IntStream.range(0, n)
        .parallel()
        .forEach(feature -> column(feature, x, x16, w, values, alpha.group()));
  }

  private void column(int feature, float[] x, float[] x16, byte[] w, float[] alpha, long group) {
    float[] scaled = new float[k];
    float[] scaled16 = new float[k];
    for (int i = 0; i < k; i++) {
      float a = alpha[place(feature, i, group)];
      int code = w[feature * k + i];
      scaled[i] = a * code;
      scaled16[i] = ScalarFormat.roundToHalf(scaled[i]);
      scaledWeight[feature] += Math.abs(scaled[i]);
    }
    for (int row = 0; row < m; row++) {
      double sum = 0;
      double sizes = 0;
      float sum16 = 0;
      for (int i = 0; i < k; i++) {
        double term = (double) x[row * k + i] * scaled[i];
        sum += term;
        sizes += Math.abs(term);
        sum16 += x16[row * k + i] * scaled16[i];
      }
      fp32[row * n + feature] = (float) (sum + bias[feature]);
      fp16[row * n + feature] = ScalarFormat.roundToHalf(sum16 + bias[feature]);
      absolute[row * n + feature] = sizes;
    }
  }

  /**
   * Largest {@code |x|}, times alpha where it is per column, of each run of columns of each row.
   */
  double[] largest(int run) {
    int runs = (k + run - 1) / run;
    float[] values = alpha.values();
    double[] largest = new double[m * runs];
    for (int i = 0; i < m * k; i++) {
      int at = i / k * runs + i % k / run;
      float scaled = alphaKind == AlphaKind.COLUMN ? x[i] * values[i % k] : x[i];
      largest[at] = Math.max(largest[at], Math.abs(scaled));
    }
    return largest;
  }

  /**
   * {@code sum |alpha * w|} of each run of columns of each output feature.
   *
   * @param columnAlpha whether alpha per column counts here, or is in X
   */
  double[] weights(int run, boolean columnAlpha) {
    return weights.computeIfAbsent(columnAlpha ? -run : run, key -> sumWeights(run, columnAlpha));
  }

  private double[] sumWeights(int run, boolean columnAlpha) {
    int runs = (k + run - 1) / run;
    float[] values = alpha.values();
    double[] sums = new double[n * runs];
    for (int i = 0; i < n * k; i++) {
      boolean without = alphaKind == AlphaKind.COLUMN && !columnAlpha;
      double size = without ? 1 : values[place(i / k, i % k, alpha.group())];
      sums[i / k * runs + i % k / run] += Math.abs(size * w[i]);
    }
    return sums;
  }

  /** Parts that an output's sum is computed in with activations of a block; 0: one a token. */
  int parts(int block) {
    if (block == 0) {
      return groups;
    }
    long unit = alphaKind == AlphaKind.GROUP ? Math.min(block, alpha.group()) : block;
    return (int) ((k + unit - 1) / unit);
  }

  private int place(int feature, int column, long group) {
    return switch (alphaKind) {
      case TENSOR -> 0;
      case ROW -> feature;
      case COLUMN -> column;
      case GROUP -> feature * groups + (int) (column / group);
    };
  }
}
