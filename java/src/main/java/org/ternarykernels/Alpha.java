package org.ternarykernels;

import java.util.Arrays;
import java.util.Objects;
import org.ternarykernels.internal.Checks;

/**
 * The scale of a weight matrix: its values and what each belongs to. Immutable.
 *
 * <p>How many values are right depends on the matrix, so their count is checked when weights are
 * made with them.
 */
public final class Alpha {
  private final AlphaKind kind;
  private final long group;
  private final float[] values;

  private Alpha(AlphaKind kind, long group, float[] values) {
    this.kind = kind;
    this.group = group;
    this.values = values;
  }

  /**
   * One scale for the whole matrix.
   *
   * @param value the scale, finite
   * @return the scale
   * @throws IllegalArgumentException if the value is NaN or infinite
   */
  public static Alpha tensor(float value) {
    return of(AlphaKind.TENSOR, 0, value);
  }

  /**
   * One scale per output feature.
   *
   * @param values N finite values; copied
   * @return the scale
   * @throws IllegalArgumentException if a value is NaN or infinite
   */
  public static Alpha row(float... values) {
    return of(AlphaKind.ROW, 0, values);
  }

  /**
   * One scale per input feature. It multiplies X before X is quantised.
   *
   * @param values K finite values; copied
   * @return the scale
   * @throws IllegalArgumentException if a value is NaN or infinite
   */
  public static Alpha column(float... values) {
    return of(AlphaKind.COLUMN, 0, values);
  }

  /**
   * One scale per group of K in every output feature.
   *
   * @param group columns in a group, a multiple of 32; the last group of a row may be shorter
   * @param values {@code [N, ceil(K/group)]} finite values, row-major; copied
   * @return the scale
   * @throws IllegalArgumentException if a value is NaN or infinite, or the group is no positive
   *     multiple of 32
   */
  public static Alpha group(long group, float... values) {
    return of(AlphaKind.GROUP, group, values);
  }

  /**
   * One scale for each of several matrices stacked along N, as in Q, K and V of unequal sizes. It
   * becomes one scale per output feature.
   *
   * @param sizes output features of each segment, each at least 1
   * @param alphas one finite value a segment
   * @return a scale of kind {@link AlphaKind#ROW} with {@code sum(sizes)} values
   * @throws IllegalArgumentException if the counts differ, a size is below 1 or a value is NaN or
   *     infinite
   */
  public static Alpha segments(int[] sizes, float[] alphas) {
    Checks.notNull("sizes", sizes);
    Checks.notNull("alphas", alphas);
    if (sizes.length != alphas.length) {
      throw new IllegalArgumentException(
          "there are "
              + alphas.length
              + " alphas for "
              + sizes.length
              + " segments, must be one a segment");
    }
    int rows = 0;
    for (int size : sizes) {
      rows =
          Checks.add(
              rows,
              (int) Checks.atLeast("a segment's size", size, 1),
              "the sum of the segment sizes");
    }
    float[] values = new float[rows];
    int row = 0;
    for (int i = 0; i < sizes.length; i++) {
      Arrays.fill(values, row, row + sizes[i], alphas[i]);
      row += sizes[i];
    }
    return of(AlphaKind.ROW, 0, values);
  }

  /**
   * A scale of a given kind.
   *
   * @param kind what a value belongs to
   * @param group columns in a group for {@link AlphaKind#GROUP}, else 0
   * @param values finite values, at least one; copied
   * @return the scale
   * @throws IllegalArgumentException if a value is NaN or infinite, there is none, or the group
   *     does not fit the kind
   */
  public static Alpha of(AlphaKind kind, long group, float... values) {
    Checks.group(kind, group);
    Checks.notNull("alpha", values);
    if (values.length == 0 || kind == AlphaKind.TENSOR && values.length != 1) {
      throw new IllegalArgumentException(
          "alpha per "
              + Checks.lower(kind)
              + " has "
              + values.length
              + " values, must have "
              + (kind == AlphaKind.TENSOR ? "1" : "at least 1"));
    }
    float[] copy = values.clone();
    Checks.finite("alpha", copy);
    return new Alpha(kind, group, copy);
  }

  /**
   * What a value belongs to.
   *
   * @return the kind
   */
  public AlphaKind kind() {
    return kind;
  }

  /**
   * Columns in a group.
   *
   * @return a multiple of 32 for {@link AlphaKind#GROUP}, else 0
   */
  public long group() {
    return group;
  }

  /**
   * The values.
   *
   * @return a copy
   */
  public float[] values() {
    return values.clone();
  }

  int count() {
    return values.length;
  }

  float[] shared() {
    return values;
  }

  /** How many values a scale of this kind needs for a matrix [n, k]. */
  static long count(AlphaKind kind, long group, long n, long k) {
    return switch (kind) {
      case TENSOR -> 1;
      case ROW -> n;
      case COLUMN -> k;
      case GROUP -> Checks.multiply(n, (k + group - 1) / group, "N * ceil(K / group)");
    };
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Alpha that
        && kind == that.kind
        && group == that.group
        && Arrays.equals(values, that.values);
  }

  @Override
  public int hashCode() {
    return 31 * Objects.hash(kind, group) + Arrays.hashCode(values);
  }

  @Override
  public String toString() {
    return "alpha per "
        + Checks.lower(kind)
        + (kind == AlphaKind.GROUP ? " of " + group : "")
        + ", "
        + values.length
        + " values";
  }
}
