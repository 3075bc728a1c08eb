package org.ternarykernels;

import org.ternarykernels.binding.Ternary;

/** Element type of activations and outputs, and of what numbers experts and slots. */
public enum DataType {
  /** IEEE binary32. */
  F32(Ternary.TERNARY_F32, 4),
  /** IEEE binary16. */
  F16(Ternary.TERNARY_F16, 2),
  /** bfloat16: the upper half of a binary32. */
  BF16(Ternary.TERNARY_BF16, 2),
  /** OCP e4m3fn: 8 bits, no infinities; 0x7f and 0xff are NaN. Input only. */
  F8_E4M3(Ternary.TERNARY_F8_E4M3, 1),
  /** Signed 8-bit integers with a scale given per row. Input only. */
  I8(Ternary.TERNARY_I8, 1),
  /**
   * Signed 32-bit integers: ids of experts and numbers of slots, nothing else.
   *
   * @since 0.2.0
   */
  I32(-1, 4);

  /** C's; I32 has none, since what is of it has no choice of type there. */
  final int code;

  private final int bytes;

  DataType(int code, int bytes) {
    this.code = code;
    this.bytes = bytes;
  }

  /**
   * Size of an element.
   *
   * @return bytes: 1, 2 or 4, which is also the alignment
   */
  public int bytes() {
    return bytes;
  }
}
