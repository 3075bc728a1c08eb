package org.ternarykernels.tool.hybrid;

import java.util.Locale;

/** The two ways to compute a layer. */
enum Side {
  TERNARY,
  DENSE;

  /** The name in options and results. */
  String id() {
    return name().toLowerCase(Locale.ROOT);
  }
}
