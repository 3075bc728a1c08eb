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
 *       (1/254 + 3u)} for each weight, {@code a = max(amax, 1e-5)}. By block that is a sum over the
 *       blocks, {@code a} the largest of the block and without the floor. Nothing for int8 X with
 *       given scales.
 *   <li>arithmetic on the sum: with int8 activations the integer sum is exact and conversion, s, c,
 *       product and bias round once each, plus once a part: a group, or a unit of a block; with A16
 *       every addition rounds. {@code (parts + 6) * u} or {@code (K + 6) * u} of {@code sum |x *
 *       alpha * w| + |bias|}.
 *   <li>RMSNorm: the longest chain of additions in the sum of squares is {@code ceil(K/256) + 8};
 *       with division, root and two products {@code (ceil(K/256) + 16) * u} of {@code sum |x *
 *       alpha * w|}.
 *   <li>rotation of R columns: {@code log2 R} butterflies, the factor and its product round once
 *       each, of sums that are at most the run's {@code sum |v| / sqrt R}, v before the rotation;
 *       so do the norm's two products, the reference's rounding, and the scale that they move.
 *       {@code (log2 R + 8) * u} of {@code sum |v| / sqrt R * sum |alpha * w|} over the runs.
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
        a * (1/254 + 3u) * sum|alpha*w|                       int8 activations (not for int8 X), summed over blocks
        + (parts + 6) * u * S, with A16 (K + 6) * u * S       arithmetic; parts are groups, or units of blocks
        + (ceil(K/256) + 16) * u * S                          RMSNorm, where there is one
        + (log2 R + 8) * u * sum|v|/sqrt(R) * sum|alpha*w|    rotation of v, where there is one, summed over runs of R
        + rounding of y to its type
        + rounding of ref: u * |ref|; fp16: (2^-10 + 2^-22 + (K + 2) * u) * S + 2^-25 * sum(|x| + |alpha*w|) + 2^-11 * |ref|\
      """;

  private static final double U = 0x1p-24;
  private static final double U16 = 0x1p-11;
  private static final double HALF_DENORMAL16 = 0x1p-25;

  private final DenseReference reference;
  private final boolean normed;
  private final DataType output;
  private final double arithmetic;
  private final RunSums quantisation;
  private final RunSums rotation;

  public ErrorBound(
      DenseReference reference,
      Activation activation,
      DataType input,
      DataType output,
      boolean normed) {
    this(reference, activation, input, output, normed, null);
  }

  /**
   * @param rotation of X; null without one
   */
  ErrorBound(
      DenseReference reference,
      Activation activation,
      DataType input,
      DataType output,
      boolean normed,
      RotatedRows rotation) {
    this.reference = reference;
    this.normed = normed;
    this.output = output;
    boolean a8 = activation.isA8();
    this.arithmetic = ((a8 ? reference.parts(activation.block()) : reference.k) + 6) * U;
    this.quantisation =
        a8 && input != DataType.I8 ? quantisation(reference, activation.block()) : RunSums.NONE;
    this.rotation =
        rotation == null
            ? RunSums.NONE
            : new RunSums(
                    rotation.sizes(), reference.weights(rotation.block(), true), rotation.runs())
                .times((rotation.steps() + 8) * U);
  }

  private static RunSums quantisation(DenseReference reference, int block) {
    int run = block == 0 ? reference.k : block;
    double[] largest = reference.largest(run);
    if (block == 0) {
      for (int i = 0; i < largest.length; i++) {
        largest[i] = Math.max(largest[i], 1e-5f);
      }
    }
    int runs = (reference.k + run - 1) / run;
    return new RunSums(largest, reference.weights(run, false), runs).times(1.0 / 254 + 3 * U);
  }

  /** Bound of the distance from the fp32 reference. */
  public double fp32(int row, int column) {
    double size = Math.abs(reference.fp32[row * reference.n + column]);
    return kernel(row, column, size) + U * size;
  }

  /** Bound of the distance from the fp16 reference. */
  public double fp16(int row, int column) {
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
    double moved = quantisation.at(row, column) + rotation.at(row, column);
    double sum =
        reference.absolute[row * reference.n + column] + Math.abs(reference.bias[column]) + moved;
    double norm = normed ? ((reference.k + 255) / 256 + 16) * U * sum : 0;
    double before = moved + arithmetic * sum + norm;
    return before
        + ScalarFormat.unitRoundoff(output) * (size + before)
        + ScalarFormat.halfDenormal(output);
  }
}
