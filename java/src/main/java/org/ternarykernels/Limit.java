package org.ternarykernels;

import org.ternarykernels.binding.Ternary;

/** What {@link TernaryRuntime#measureLimit} measures. */
public enum Limit {
  /** Bytes read from memory or a cache. */
  READ(Ternary.TERNARY_LIMIT_READ),
  /** Int8 multiply-adds on registers. Portable code has no such loop. */
  INT8_PEAK(Ternary.TERNARY_LIMIT_INT8_PEAK),
  /**
   * Int8 multiply-adds of AMX tiles loaded from 16 KB: what a product of operands in the
   * first-level cache can reach.
   */
  TILE_LOADS(Ternary.TERNARY_LIMIT_TILE_LOADS);

  final int code;

  Limit(int code) {
    this.code = code;
  }
}
