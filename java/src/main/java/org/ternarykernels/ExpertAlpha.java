package org.ternarykernels;

import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.ternarykernels.internal.Checks;

/**
 * The scales of the matrices of E experts: their values, expert by expert, and what each belongs
 * to. Immutable.
 *
 * <p>How many values are right depends on the matrices, so their count is checked when weights are
 * made with them.
 *
 * @since 0.2.0
 */
public final class ExpertAlpha {
  private final AlphaKind kind;
  private final boolean ofGateAndUp;
  private final long group;
  private final float[] values;

  private ExpertAlpha(AlphaKind kind, boolean ofGateAndUp, long group, float[] values) {
    this.kind = kind;
    this.ofGateAndUp = ofGateAndUp;
    this.group = group;
    this.values = values;
  }

  private static ExpertAlpha of(AlphaKind kind, boolean ofGateAndUp, long group, float[] values) {
    Checks.group(kind, group);
    float[] copy = Checks.notNull("alpha", values).clone();
    if (copy.length == 0) {
      throw new IllegalArgumentException("alpha has 0 values, must have at least 1");
    }
    Checks.finite("alpha", copy);
    return new ExpertAlpha(kind, ofGateAndUp, group, copy);
  }

  /**
   * One scale an expert.
   *
   * @param values E finite values; copied
   * @return the scales
   * @throws IllegalArgumentException if a value is NaN or infinite
   */
  public static ExpertAlpha expert(float... values) {
    return of(AlphaKind.TENSOR, false, 0, values);
  }

  /**
   * One scale per output feature of each expert.
   *
   * @param values {@code [E, N]} finite values, in the order of the stored rows; copied
   * @return the scales
   * @throws IllegalArgumentException if a value is NaN or infinite
   */
  public static ExpertAlpha row(float... values) {
    return of(AlphaKind.ROW, false, 0, values);
  }

  /**
   * One scale per input feature of each expert, which multiplies X before it is quantised. Gate and
   * up share it.
   *
   * @param values {@code [E, K]} finite values; copied
   * @return the scales
   * @throws IllegalArgumentException if a value is NaN or infinite
   */
  public static ExpertAlpha column(float... values) {
    return of(AlphaKind.COLUMN, false, 0, values);
  }

  /**
   * Two scales per input feature of each expert, one of gate and one of up: X is quantised once for
   * each. For the matrix of both alone.
   *
   * @param values {@code [E, 2, K]} finite values, those of gate first whatever the order of the
   *     rows; copied
   * @return the scales
   * @throws IllegalArgumentException if a value is NaN or infinite
   */
  public static ExpertAlpha columnOfGateAndUp(float... values) {
    return of(AlphaKind.COLUMN, true, 0, values);
  }

  /**
   * One scale per group of K in every output feature of each expert.
   *
   * @param group columns in a group, a multiple of 32; the last group of a row may be shorter
   * @param values {@code [E, N, ceil(K/group)]} finite values; copied
   * @return the scales
   * @throws IllegalArgumentException if a value is NaN or infinite, or the group is no positive
   *     multiple of 32
   */
  public static ExpertAlpha group(long group, float... values) {
    return of(AlphaKind.GROUP, false, group, values);
  }

  /** The scales of matrices of the same kind, one an expert. */
  static ExpertAlpha of(List<Alpha> alphas) {
    Alpha first = alphas.get(0);
    int count = 0;
    for (int e = 0; e < alphas.size(); e++) {
      Alpha alpha = alphas.get(e);
      if (alpha.kind() != first.kind() || alpha.group() != first.group()) {
        throw new IllegalArgumentException(
            "expert " + e + " has " + alpha + " and expert 0 " + first + ", must be of one kind");
      }
      count = Checks.add(count, alpha.count(), "the number of scales");
    }
    float[] values = new float[count];
    int at = 0;
    for (Alpha alpha : alphas) {
      System.arraycopy(alpha.shared(), 0, values, at, alpha.count());
      at += alpha.count();
    }
    return new ExpertAlpha(first.kind(), false, first.group(), values);
  }

  /** The scale of one of so many experts. */
  Alpha of(long e, long experts) {
    if (ofGateAndUp) {
      throw new IllegalArgumentException(
          "the experts have two scales per input feature, of gate and of up, must have one to be"
              + " taken alone");
    }
    int each = (int) (values.length / experts);
    int from = (int) (e * each);
    return Alpha.of(kind, group, Arrays.copyOfRange(values, from, from + each));
  }

  /** How many values these matrices need. */
  long needed(long experts, long n, long k) {
    long each = Alpha.count(kind, group, n, k) * (ofGateAndUp ? 2 : 1);
    return Checks.multiply(experts, each, "the number of scales");
  }

  /**
   * What a value belongs to.
   *
   * @return the kind; {@link AlphaKind#TENSOR} for one scale an expert
   */
  public AlphaKind kind() {
    return kind;
  }

  /**
   * Whether gate and up have scales of their own per input feature.
   *
   * @return true for {@link #columnOfGateAndUp}
   */
  public boolean isOfGateAndUp() {
    return ofGateAndUp;
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
   * The values, expert by expert.
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

  @Override
  public boolean equals(Object other) {
    return other instanceof ExpertAlpha that
        && kind == that.kind
        && ofGateAndUp == that.ofGateAndUp
        && group == that.group
        && Arrays.equals(values, that.values);
  }

  @Override
  public int hashCode() {
    return 31 * Objects.hash(kind, ofGateAndUp, group) + Arrays.hashCode(values);
  }

  @Override
  public String toString() {
    return "alpha per "
        + (kind == AlphaKind.TENSOR ? "expert" : Checks.lower(kind))
        + (kind == AlphaKind.GROUP ? " of " + group : "")
        + (ofGateAndUp ? ", of gate and of up" : "")
        + ", "
        + values.length
        + " values";
  }
}
