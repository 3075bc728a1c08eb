package org.ternarykernels;

import org.jspecify.annotations.Nullable;
import org.ternarykernels.internal.Checks;

/**
 * The operands of {@link RowOperations}, checked as {@link Operands} checks those of layers: what
 * native code cannot know, the sizes of memory, and what its sentences would not name as Java does.
 */
final class RowChecks {
  private RowChecks() {}

  static void quantise(
      Operand x,
      @Nullable Operand xScale,
      @Nullable Operand signs,
      @Nullable Operand alphaColumn,
      Activation activation,
      Operand q,
      Operand s,
      long m,
      long k) {
    Checks.notNull("activation", activation);
    if (!activation.isA8()) {
      throw new IllegalArgumentException(
          "activation is " + activation + ", must be a8 or a8:B to quantise");
    }
    long xBytes = floats("to be quantised", x, m, k);
    long scaleBytes = Operands.scale(xScale, x.dataType(), m, 1);
    long signsBytes = vector("signs", signs, k);
    long alphaBytes = vector("alphaColumn", alphaColumn, k);
    long qBytes = Operands.output("q", q, k, m, k);
    Operands.typed("q", q, DataType.I8);
    long scales = activation.scales(k);
    long sBytes = Operands.output("s", s, scales, m, scales);
    Operands.typed("s", s, DataType.F32);
    Operands.disjoint("q", q, qBytes, "s", s, sBytes);
    Operands.disjoint("q", q, qBytes, "x", x, xBytes);
    Operands.disjoint("q", q, qBytes, "xScale", xScale, scaleBytes);
    Operands.disjoint("q", q, qBytes, "signs", signs, signsBytes);
    Operands.disjoint("q", q, qBytes, "alphaColumn", alphaColumn, alphaBytes);
    Operands.disjoint("s", s, sBytes, "x", x, xBytes);
    Operands.disjoint("s", s, sBytes, "xScale", xScale, scaleBytes);
    Operands.disjoint("s", s, sBytes, "signs", signs, signsBytes);
    Operands.disjoint("s", s, sBytes, "alphaColumn", alphaColumn, alphaBytes);
  }

  static void rotate(
      Operand x, @Nullable Operand xScale, @Nullable Operand signs, Operand y, long m, long k) {
    long xBytes = floats("to be rotated", x, m, k);
    long scaleBytes = Operands.scale(xScale, x.dataType(), m, 1);
    long signsBytes = vector("signs", signs, k);
    long yBytes = Operands.result(y, k, m, k);
    if (x.address() != y.address() || x.dataType() != y.dataType()) {
      Operands.disjoint("y", y, yBytes, "x", x, xBytes);
    }
    Operands.disjoint("y", y, yBytes, "xScale", xScale, scaleBytes);
    Operands.disjoint("y", y, yBytes, "signs", signs, signsBytes);
  }

  /** Contiguous X of any float type; the bytes it spans. */
  private static long floats(String purpose, Operand x, long m, long k) {
    Checks.size("M", m, Checks.MAX_ROWS);
    Checks.size("K", k, Checks.MAX_COLUMNS);
    long bytes = Operands.input("x", x, k, m, k);
    floatX(purpose, x);
    return bytes;
  }

  /** X is of any float type. */
  static void floatX(String purpose, Operand x) {
    if (x.dataType() == DataType.I8 || x.dataType() == DataType.I32) {
      throw new IllegalArgumentException(
          "x is of type " + x.dataType() + ", must be F32, F16, BF16 or F8_E4M3 " + purpose);
    }
  }

  /** A vector of F32, which may be null; the bytes it spans. */
  static long vector(String name, @Nullable Operand vector, long length) {
    if (vector == null) {
      return 0;
    }
    Operands.typed(name, vector, DataType.F32);
    return Operands.input(name, vector, length, 1, length);
  }
}
