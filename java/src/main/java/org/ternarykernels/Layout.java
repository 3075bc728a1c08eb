package org.ternarykernels;

import org.ternarykernels.binding.Ternary;

/** Arrangement of the codes of a weight matrix in memory. */
public enum Layout {
  /** Interchange: row-major {@code [N, ceil(K/4)]} bytes; served by the portable kernels only. */
  I2S(Ternary.TERNARY_LAYOUT_I2S),
  /** Tiles of 16 rows by 16 columns, 64 bytes each; served by every CPU kernel. The default. */
  I2S_TILED(Ternary.TERNARY_LAYOUT_I2S_TILED);

  final int code;

  Layout(int code) {
    this.code = code;
  }
}
