package org.ternarykernels.internal;

import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.ternarykernels.AlphaKind;
import org.ternarykernels.DataType;

/**
 * The rules for arguments, each with the sentence that an argument which breaks it is answered
 * with.
 */
public final class Checks {
  /** Output features and rows of X are below this. */
  public static final long MAX_ROWS = 1L << 31;

  /** Input features are below this, so that int32 sums are exact. */
  public static final long MAX_COLUMNS = 1L << 24;

  private Checks() {}

  /** Null is an argument like any other that breaks a rule, hence no NullPointerException. */
  public static <T> T notNull(String name, @Nullable T value) {
    if (value == null) {
      throw new IllegalArgumentException(name + " is null, must be given");
    }
    return value;
  }

  public static String lower(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }

  public static long atLeast(String name, long value, long least) {
    if (value < least) {
      throw new IllegalArgumentException(name + " is " + value + ", must be at least " + least);
    }
    return value;
  }

  /** 1 <= value < limit. */
  public static long size(String name, long value, long limit) {
    return within(1, name, value, limit);
  }

  /** As {@link #size}, but for one that may be left out, which 0 stands for. */
  public static long optionalSize(String name, long value, long limit) {
    return within(0, name, value, limit);
  }

  private static long within(long least, String name, long value, long limit) {
    if (value < least || value >= limit) {
      throw new IllegalArgumentException(
          name
              + " is "
              + value
              + ", must be at least "
              + least
              + " and below 2^"
              + Long.numberOfTrailingZeros(limit));
    }
    return value;
  }

  public static void shape(long n, long k) {
    size("N", n, MAX_ROWS);
    size("K", k, MAX_COLUMNS);
  }

  public static void group(AlphaKind kind, long group) {
    Checks.notNull("the kind of alpha", kind);
    if (kind == AlphaKind.GROUP ? group < 32 || group % 32 != 0 : group != 0) {
      throw new IllegalArgumentException(
          "group is "
              + group
              + " for alpha per "
              + lower(kind)
              + ", must be "
              + (kind == AlphaKind.GROUP ? "a positive multiple of 32" : "0"));
    }
  }

  public static void finite(String name, float[] values) {
    for (int i = 0; i < values.length; i++) {
      if (!Float.isFinite(values[i])) {
        throw new IllegalArgumentException(
            name + "[" + i + "] is " + values[i] + ", must be finite");
      }
    }
  }

  public static void length(String name, long length, long wanted, String rule) {
    if (length != wanted) {
      throw new IllegalArgumentException(
          name + " has " + length + " values, must have " + wanted + " (" + rule + ")");
    }
  }

  static void stride(String name, long stride, long columns) {
    if (stride < columns) {
      throw new IllegalArgumentException(
          name
              + " is "
              + stride
              + " elements, must be at least the "
              + columns
              + " columns of a row");
    }
  }

  public static long multiply(long a, long b, String what) {
    long high = Math.multiplyHigh(a, b);
    long low = a * b;
    if (high != 0 || low < 0) {
      throw new IllegalArgumentException(what + " is " + a + " * " + b + ", must be below 2^63");
    }
    return low;
  }

  public static int add(int a, int b, String what) {
    if (a > Integer.MAX_VALUE - b) {
      throw new IllegalArgumentException(
          what + " is at least " + ((long) a + b) + ", must be below 2^31");
    }
    return a + b;
  }

  /** Memory that holds elements of a type. */
  public static void memory(long address, long bytes, DataType type) {
    if (address == 0) {
      throw new IllegalArgumentException("the address is 0 (null), must be that of memory");
    }
    if (bytes < 0 || Long.compareUnsigned(address + bytes, address) < 0) {
      throw new IllegalArgumentException(
          "the size is "
              + bytes
              + " bytes at address 0x"
              + Long.toHexString(address)
              + ", must be at least 0 and end within the address space");
    }
    if (address % type.bytes() != 0) {
      throw new IllegalArgumentException(
          "the address 0x"
              + Long.toHexString(address)
              + " is misaligned for "
              + type
              + ", must be a multiple of "
              + type.bytes());
    }
  }

  /**
   * Bytes from the first to past the last element of a strided [rows, columns] matrix of at least 1
   * row; `stride` is at least `columns`. On the hot path: no sentence is built unless it is needed.
   */
  public static long span(String name, long rows, long columns, long stride, int elementBytes) {
    long before = (rows - 1) * stride;
    long bytes = (before + columns) * elementBytes;
    if (Math.multiplyHigh(rows - 1, stride) != 0
        || before < 0
        || before > (Long.MAX_VALUE >> 3) - columns) {
      throw new IllegalArgumentException(
          "the bytes of "
              + name
              + " are ("
              + (rows - 1)
              + " * "
              + stride
              + " + "
              + columns
              + ") * "
              + elementBytes
              + ", must be below 2^63");
    }
    return bytes;
  }
}
