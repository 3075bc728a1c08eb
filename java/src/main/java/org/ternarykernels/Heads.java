package org.ternarykernels;

import org.jspecify.annotations.Nullable;
import org.ternarykernels.internal.Checks;

/**
 * The heads of Q, or those of K, which {@link TernaryRuntime#qkNorm} normalises in place: each is
 * so many columns of a row, and they lie one behind the other. It names the memory and copies
 * nothing.
 *
 * <p>As safe for threads as its buffers.
 *
 * @since 0.2.0
 */
public final class Heads {
  private final Operand data;
  private final long ld;
  private final long count;
  private final Operand weight;
  private final float eps;

  private Heads(Operand data, long ld, long count, Operand weight, float eps) {
    this.data = Checks.notNull("data", data);
    this.ld = ld;
    this.count = count;
    this.weight = Checks.notNull("weight", weight);
    this.eps = eps;
  }

  /**
   * Heads in host memory. The rules are checked by the call that uses them.
   *
   * @param data {@code [M, count * headDim]} of type F32, F16 or BF16
   * @param ld elements from one row to the next, at least count * headDim
   * @param count heads, at least 1
   * @param weight {@code [headDim]} of type F32
   * @param eps added to the mean of squares, finite and above 0
   * @return the heads
   * @throws IllegalArgumentException if a buffer is null
   */
  public static Heads of(TernaryBuffer data, long ld, long count, TernaryBuffer weight, float eps) {
    return new Heads(data, ld, count, weight, eps);
  }

  /**
   * Heads in a GPU's memory. Otherwise as {@link #of(TernaryBuffer, long, long, TernaryBuffer,
   * float)}.
   *
   * @param data as there
   * @param ld as there
   * @param count as there
   * @param weight as there
   * @param eps as there
   * @return the heads
   * @throws IllegalArgumentException if a buffer is null
   */
  public static Heads of(DeviceBuffer data, long ld, long count, DeviceBuffer weight, float eps) {
    return new Heads(data, ld, count, weight, eps);
  }

  /** Both sides of a call: at least one of them, in host memory or in a GPU's. */
  static void check(@Nullable Heads q, @Nullable Heads k, boolean onGpu, long headDim, long m) {
    Checks.size("M", m, Checks.MAX_ROWS);
    Checks.size("headDim", headDim, Checks.MAX_COLUMNS);
    if (q == null && k == null) {
      throw new IllegalArgumentException("q and k are null, must at least one be given");
    }
    check("q", q, k, onGpu, headDim, m);
    check("k", k, q, onGpu, headDim, m);
  }

  /** Q and K may be columns of one matrix: native code sees whether they meet. */
  private static void check(
      String name,
      @Nullable Heads heads,
      @Nullable Heads other,
      boolean onGpu,
      long headDim,
      long m) {
    if (heads == null) {
      return;
    }
    Operands.side(name, heads.data, onGpu);
    long weightBytes = RowChecks.vector(name + "'s weight", heads.weight, headDim);
    Checks.size("the number of heads of " + name, heads.count, Checks.MAX_ROWS);
    long bytes = Operands.output(name, heads.data, heads.ld, m, heads.count * headDim);
    Operands.floats(name, heads.data);
    Operands.disjoint(name, heads.data, bytes, name + "'s weight", heads.weight, weightBytes);
    if (other != null) {
      long length = headDim * Float.BYTES; // its weight is checked as its own
      Operands.disjoint(name, heads.data, bytes, "the other's weight", other.weight, length);
    }
  }

  static @Nullable TernaryBuffer hostData(@Nullable Heads heads) {
    return heads == null ? null : (TernaryBuffer) heads.data;
  }

  static @Nullable TernaryBuffer hostWeight(@Nullable Heads heads) {
    return heads == null ? null : (TernaryBuffer) heads.weight;
  }

  static @Nullable DeviceBuffer deviceData(@Nullable Heads heads) {
    return heads == null ? null : (DeviceBuffer) heads.data;
  }

  static @Nullable DeviceBuffer deviceWeight(@Nullable Heads heads) {
    return heads == null ? null : (DeviceBuffer) heads.weight;
  }

  /** Of heads that may not be there; then 0, as native code wants all of them. */
  static long ld(@Nullable Heads heads) {
    return heads == null ? 0 : heads.ld;
  }

  static long count(@Nullable Heads heads) {
    return heads == null ? 0 : heads.count;
  }

  static float eps(@Nullable Heads heads) {
    return heads == null ? 0 : heads.eps;
  }

  static int type(@Nullable Heads heads) {
    return heads == null ? 0 : heads.data.dataType().code;
  }

  static long dataAddress(@Nullable Heads heads) {
    return heads == null ? 0 : heads.data.address();
  }

  static long weightAddress(@Nullable Heads heads) {
    return heads == null ? 0 : heads.weight.address();
  }

  /** Bytes of the elements, which are read and written. */
  static long bytes(@Nullable Heads heads, long headDim, long m) {
    return heads == null ? 0 : m * heads.count * headDim * heads.data.dataType().bytes();
  }
}
