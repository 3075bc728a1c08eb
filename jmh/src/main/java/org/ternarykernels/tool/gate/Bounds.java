package org.ternarykernels.tool.gate;

/**
 * What a value may be.
 *
 * @param min the least, or null
 * @param max the most, or null
 */
record Bounds(Double min, Double max) {
  static final Bounds NONE = new Bounds(null, null);

  boolean isEmpty() {
    return min == null && max == null;
  }

  /** What the rule is where a value breaks it; null where it does not. */
  String broken(double value) {
    if (max != null && !(value <= max)) {
      return "at most " + Measured.text(max);
    }
    return min != null && !(value >= min) ? "at least " + Measured.text(min) : null;
  }
}
