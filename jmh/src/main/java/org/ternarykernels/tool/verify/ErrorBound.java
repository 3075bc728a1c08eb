package org.ternarykernels.tool.verify;

import org.ternarykernels.Activation;
import org.ternarykernels.DataType;
import org.ternarykernels.tool.problem.ScalarFormat;

/**
 * How far a right kernel's output may be from {@link DenseReference}, derived from the arithmetic
 * of the contract to first order in {@code u = 2^-24}, with the second order covered by whole
 * numbers rounded up:
 *
 * <ul>
 *   <li>int8 activations: {@code q = round(x' * 127/a)} misses x' by half a step {@code a/127}, and
 *       the two roundings in {@code x' * inv} move it by at most {@code 2u * 127} steps: {@code a *
 *       (1/254 + 3u)} for each weight, {@code a = max(amax, 1e-5)}. Nothing for int8 X with given
 *       scales.
 *   <li>arithmetic on the sum: with int8 activations the integer sum is exact and conversion, s, c,
 *       product and bias round once each, plus once a group; with A16 every addition rounds. {@code
 *       (groups + 6) * u} or {@code (K + 6) * u} of {@code sum |x * alpha * w| + |bias|}.
 *   <li>RMSNorm: the longest chain of additions in the sum of squares is {@code ceil(K/256) + 8};
 *       with division, root and two products {@code (ceil(K/256) + 16) * u} of {@code sum |x *
 *       alpha * w|}.
 *   <li>output: half a unit in the last place of its type.
 *   <li>the fp32 reference: one rounding. The fp16 reference: X and alpha * w are off by {@code
 *       2^-11} of their value or {@code 2^-25}, its K additions by u each, its output by {@code
 *       2^-11} or {@code 2^-25}.
 * </ul>
 */
public final class ErrorBound {
  public static final String FORMULA =
      """
      bound of |y - ref| (u = 2^-24, a = largest |x| of the row, S = sum |x*alpha*w| + |bias|):
        a * (1/254 + 3u) * sum|alpha*w|                  int8 activations (not for int8 X)
        + (groups + 6) * u * S, with A16 (K + 6) * u * S  arithmetic
        + (ceil(K/256) + 16) * u * S                     RMSNorm, where there is one
        + rounding of y to its type
        + rounding of ref: u * |ref|; fp16: (2^-10 + 2^-22 + (K + 2) * u) * S + 2^-25 * sum(|x| + |alpha*w|) + 2^-11 * |ref|\
      """;

  private static final double U = 0x1p-24;
  private static final double U16 = 0x1p-11;
  private static final double HALF_DENORMAL16 = 0x1p-25;

  private final DenseReference reference;
  private final boolean quantised;
  private final boolean normed;
  private final DataType output;
  private final double arithmetic;

  public ErrorBound(
      DenseReference reference,
      Activation activation,
      DataType input,
      DataType output,
      boolean normed) {
    this.reference = reference;
    this.quantised = activation == Activation.A8 && input != DataType.I8;
    this.normed = normed;
    this.output = output;
    this.arithmetic = ((activation == Activation.A8 ? reference.groups : reference.k) + 6) * U;
  }

  /** Bound of the distance from the fp32 reference. */
  public double fp32(int row, int column) {
    double size = Math.abs(reference.fp32[row * reference.n + column]);
    return kernel(row, column, size) + U * size;
  }

  /** Bound of the distance from the fp16 reference. */
  double fp16(int row, int column) {
    int at = row * reference.n + column;
    double sum = reference.absolute[at] + Math.abs(reference.bias[column]);
    return kernel(row, column, Math.abs(reference.fp32[at]))
        + (2 * U16 + 4 * U + (reference.k + 2) * U) * sum
        + HALF_DENORMAL16 * (reference.rowSum[row] + reference.scaledWeight[column] + 1)
        + U16 * Math.abs(reference.fp16[at])
        + U * Math.abs(reference.fp32[at]);
  }

  /** Bound of the distance of y from the exact result; {@code size} is about |y|. */
  private double kernel(int row, int column, double size) {
    double amax = Math.max(reference.largest[row], 1e-5f);
    double quantisation = quantised ? amax * (1.0 / 254 + 3 * U) * reference.weight[column] : 0;
    double sum =
        reference.absolute[row * reference.n + column]
            + Math.abs(reference.bias[column])
            + quantisation;
    double norm = normed ? ((reference.k + 255) / 256 + 16) * U * sum : 0;
    double before = quantisation + arithmetic * sum + norm;
    return before
        + ScalarFormat.unitRoundoff(output) * (size + before)
        + ScalarFormat.halfDenormal(output);
  }
}
