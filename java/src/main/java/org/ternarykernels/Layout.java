package org.ternarykernels;

import org.ternarykernels.binding.Ternary;

/** Arrangement of the codes of a weight matrix in memory. */
public enum Layout {
  /** Interchange: row-major {@code [N, ceil(K/4)]} bytes; served by the portable kernels only. */
  I2S(Ternary.TERNARY_LAYOUT_I2S, 1, 4, 1),
  /**
   * Tiles of 16 rows by 16 columns, 64 bytes each: the fastest for weights that stay in cache. The
   * default.
   */
  I2S_TILED(Ternary.TERNARY_LAYOUT_I2S_TILED, 16, 16, 64),
  /**
   * T5, five weights a byte in base 3: tiles of 16 rows by 20 columns, 64 bytes each, 1.6 bits a
   * weight. It may be the faster for weights that stream from memory.
   */
  T5_TILED(Ternary.TERNARY_LAYOUT_T5_TILED, 16, 20, 64),
  /**
   * T3, three weights as a sign and an index of four bits: tiles of 16 rows by 48 columns, 160
   * bytes each, 1.67 bits a weight. With AVX2 it may be the fastest for weights that stream from
   * memory.
   *
   * @since 0.2.0
   */
  T3_TILED(Ternary.TERNARY_LAYOUT_T3_TILED, 16, 48, 160);

  final int code;
  private final int rows;
  private final int columns;
  private final int tileBytes;

  /** A tile of {@code rows} x {@code columns} weights takes {@code tileBytes}. */
  Layout(int code, int rows, int columns, int tileBytes) {
    this.code = code;
    this.rows = rows;
    this.columns = columns;
    this.tileBytes = tileBytes;
  }

  /** Bytes of an {@code [n, k]} matrix. */
  long bytes(long n, long k) {
    return (n + rows - 1) / rows * ((k + columns - 1) / columns) * tileBytes;
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
