package org.ternarykernels;

import org.jspecify.annotations.Nullable;
import org.ternarykernels.internal.Checks;

/**
 * The operands of a product, checked before native code sees an address. Allocates nothing unless a
 * rule is broken.
 */
final class Operands {
  private Operands() {}

  /** X [m, k], as both products take it; the bytes it spans. */
  static long activations(
      Operand x,
      long ldx,
      Activation activation,
      AlphaKind alpha,
      boolean rotated,
      long m,
      long k) {
    Checks.size("M", m, Checks.MAX_ROWS);
    long bytes = input("x", x, ldx, m, k);
    DataType type = x.dataType();
    if (type == DataType.I32) {
      throw new IllegalArgumentException("x is of type I32, must be a float type or I8");
    }
    if (type == DataType.I8) {
      if (!activation.isA8()) {
        throw new IllegalArgumentException(
            "x is of type I8 with activation A16, must be a float type or the activation A8");
      }
      if (rotated) {
        throw new IllegalArgumentException(
            "x is of type I8 for a layer with a rotation, must be a float type (x is rotated before"
                + " it is quantised)");
      }
      if (alpha == AlphaKind.COLUMN) {
        throw new IllegalArgumentException(
            "x is of type I8 with alpha per column, must be a float type"
                + " (alpha per column multiplies x before it is quantised)");
      }
    }
    return bytes;
  }

  /**
   * The scales of X, which may be null for most types; the bytes they span.
   *
   * @param ofInt8 scales of a row of int8 X; other types have one a row
   */
  static long scale(@Nullable Operand xScale, DataType type, long m, long ofInt8) {
    if (xScale == null) {
      if (type == DataType.I8) {
        throw new IllegalArgumentException("xScale is null, must be given for x of type I8");
      }
      return 0;
    }
    if (type != DataType.I8 && type != DataType.F8_E4M3) {
      throw new IllegalArgumentException(
          "xScale is given for x of type "
              + type
              + ", must be null (only I8 and F8_E4M3"
              + " have it)");
    }
    typed("xScale", xScale, DataType.F32);
    long columns = type == DataType.I8 ? ofInt8 : 1;
    return input("xScale", xScale, columns, m, columns);
  }

  static void floats(String name, Operand buffer) {
    if (!isFloat(buffer.dataType())) {
      throw new IllegalArgumentException(
          name + " is of type " + buffer.dataType() + ", must be F32, F16 or BF16");
    }
  }

  /** Whether it is what outputs, residuals and rounding are of. */
  static boolean isFloat(DataType type) {
    return type == DataType.F32 || type == DataType.F16 || type == DataType.BF16;
  }

  /** Throws unless an operand, which may be null, is memory of the side that computes. */
  static void side(String name, @Nullable Operand operand, boolean onGpu) {
    if (operand != null && operand instanceof DeviceBuffer != onGpu) {
      throw new IllegalArgumentException(
          name + (onGpu ? " is host memory, must be a GPU's" : " is a GPU's memory, must be host"));
    }
  }

  /** An operand that is known to be host memory, or null. */
  static @Nullable TernaryBuffer host(@Nullable Operand operand) {
    return (TernaryBuffer) operand;
  }

  /** An operand that is known to be a GPU's memory, or null. */
  static @Nullable DeviceBuffer device(@Nullable Operand operand) {
    return (DeviceBuffer) operand;
  }

  static void typed(String name, Operand buffer, DataType type) {
    if (buffer.dataType() != type) {
      throw new IllegalArgumentException(
          name + " is of type " + buffer.dataType() + ", must be " + type);
    }
  }

  /** A strided [rows, columns] operand; the bytes it spans. */
  static long input(String name, Operand buffer, long stride, long rows, long columns) {
    Checks.notNull(name, buffer);
    buffer.checkAlive(name);
    if (stride < columns) {
      throw new IllegalArgumentException(
          "the row stride of "
              + name
              + " is "
              + stride
              + " elements, must be at least the "
              + columns
              + " columns of a row");
    }
    long bytes = Checks.span(name, rows, columns, stride, buffer.dataType().bytes());
    if (buffer.byteSize() < bytes) {
      throw new IllegalArgumentException(
          name
              + " has "
              + buffer.byteSize()
              + " bytes, must have at least "
              + bytes
              + " for "
              + rows
              + " rows of "
              + columns
              + " elements at a stride of "
              + stride);
    }
    return bytes;
  }

  /** An operand that is written. */
  static long output(String name, Operand buffer, long stride, long rows, long columns) {
    long bytes = input(name, buffer, stride, rows, columns);
    buffer.checkWritable(name);
    return bytes;
  }

  /** The output [m, n] of a product. */
  static long result(Operand y, long ldy, long m, long n) {
    long bytes = output("y", y, ldy, m, n);
    floats("y", y);
    return bytes;
  }

  /** An operand that is written, against any other, which may be null. */
  static void disjoint(
      String name,
      Operand written,
      long bytes,
      String otherName,
      @Nullable Operand other,
      long otherBytes) {
    if (other == null) {
      return;
    }
    long start = written.address();
    long otherStart = other.address();
    if (start < otherStart + otherBytes && otherStart < start + bytes) {
      throw new IllegalArgumentException(
          name
              + " overlaps "
              + otherName
              + " (0x"
              + Long.toHexString(start)
              + " to 0x"
              + Long.toHexString(start + bytes)
              + " and 0x"
              + Long.toHexString(otherStart)
              + " to 0x"
              + Long.toHexString(otherStart + otherBytes)
              + "), must not");
    }
  }

  /**
   * The workspace, which the kernels write and which may be null, against an operand of the call,
   * which may be null too.
   */
  static void workspace(@Nullable Operand workspace, String name, @Nullable Operand other) {
    if (workspace != null && other != null) {
      disjoint("workspace", workspace, workspace.byteSize(), name, other, other.byteSize());
    }
  }

  /** Keeps the memory of operands, any of which may be null, until release. */
  static void acquire(
      @Nullable TernaryBuffer a,
      @Nullable TernaryBuffer b,
      @Nullable TernaryBuffer c,
      @Nullable TernaryBuffer d,
      @Nullable TernaryBuffer e,
      @Nullable TernaryBuffer f) {
    int held = 0;
    try {
      acquire(a);
      held = 1;
      acquire(b);
      held = 2;
      acquire(c);
      held = 3;
      acquire(d);
      held = 4;
      acquire(e);
      held = 5;
      acquire(f);
    } catch (Throwable t) { // one was closed since it was checked
      release(
          held > 0 ? a : null,
          held > 1 ? b : null,
          held > 2 ? c : null,
          held > 3 ? d : null,
          held > 4 ? e : null,
          null);
      throw t;
    }
  }

  static void release(
      @Nullable TernaryBuffer a,
      @Nullable TernaryBuffer b,
      @Nullable TernaryBuffer c,
      @Nullable TernaryBuffer d,
      @Nullable TernaryBuffer e,
      @Nullable TernaryBuffer f) {
    release(a);
    release(b);
    release(c);
    release(d);
    release(e);
    release(f);
  }

  private static void acquire(@Nullable TernaryBuffer buffer) {
    if (buffer != null) {
      buffer.enter();
    }
  }

  private static void release(@Nullable TernaryBuffer buffer) {
    if (buffer != null) {
      buffer.release();
    }
  }

  static long addressOrNull(@Nullable Operand buffer) {
    return buffer == null ? 0 : buffer.address();
  }
}
