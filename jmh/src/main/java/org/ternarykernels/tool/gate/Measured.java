package org.ternarykernels.tool.gate;

import java.util.Locale;
import java.util.Map;

/**
 * A value of a row with its interval. Where a row has none for a value, both ends are the value.
 *
 * @param low lower end
 * @param high upper end
 */
record Measured(double value, double low, double high) {
  /** Of a row; null where the row has no number there. */
  static Measured of(Map<String, ?> row, String metric) {
    if (!(row.get(metric) instanceof Number value)) {
      return null;
    }
    double low = row.get(metric + "_low") instanceof Number end ? end.doubleValue() : Double.NaN;
    double high = row.get(metric + "_high") instanceof Number end ? end.doubleValue() : Double.NaN;
    boolean whole = low <= value.doubleValue() && value.doubleValue() <= high;
    return whole
        ? new Measured(value.doubleValue(), low, high)
        : new Measured(value.doubleValue(), value.doubleValue(), value.doubleValue());
  }

  /** Whether the intervals have a point in common; ends that touch are one. */
  boolean isSameAs(Measured other) {
    return low <= other.high && other.low <= high;
  }

  /** This over a baseline: the least and the most that both intervals allow. */
  Measured over(Measured baseline) {
    return new Measured(value / baseline.value, low / baseline.high, high / baseline.low);
  }

  /** To four digits. */
  static String text(double value) {
    if (value == Math.rint(value) && Math.abs(value) < 1e7) {
      return String.format(Locale.ROOT, "%.0f", value);
    }
    double size = Math.abs(value);
    if (size >= 1000 && size < 1e9) {
      return String.format(Locale.ROOT, "%.0f", value);
    }
    return String.format(Locale.ROOT, size >= 1e-3 && size < 1e9 ? "%.4g" : "%.3e", value);
  }
}
