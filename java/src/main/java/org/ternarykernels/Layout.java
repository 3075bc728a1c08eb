package org.ternarykernels;

import org.ternarykernels.binding.Ternary;

/** Arrangement of the codes of a weight matrix in memory. */
public enum Layout {
  /** Interchange: row-major {@code [N, ceil(K/4)]} bytes; served by the portable kernels only. */
  I2S(Ternary.TERNARY_LAYOUT_I2S),
  /**
   * Tiles of 16 rows by 16 columns, 64 bytes each: the fastest for weights that stay in cache. The
   * default.
   */
  I2S_TILED(Ternary.TERNARY_LAYOUT_I2S_TILED),
  /**
   * T5, five weights a byte in base 3: tiles of 16 rows by 20 columns, 64 bytes each, 1.6 bits a
   * weight. It may be the faster for weights that stream from memory.
   */
  T5_TILED(Ternary.TERNARY_LAYOUT_T5_TILED);

  final int code;

  Layout(int code) {
    this.code = code;
  }

  /** Bytes of an {@code [n, k]} matrix. */
  long bytes(long n, long k) {
    return switch (this) {
      case I2S -> n * ((k + 3) / 4);
      case I2S_TILED -> (n + 15) / 16 * ((k + 15) / 16) * 64;
      case T5_TILED -> (n + 15) / 16 * ((k + 19) / 20) * 64;
    };
  }

  static Layout ofCode(int code) {
    for (Layout layout : values()) {
      if (layout.code == code) {
        return layout;
      }
    }
    throw new IllegalArgumentException("layout is " + code + ", which this version does not know");
  }
}
