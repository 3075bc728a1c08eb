package org.ternarykernels.tool.gate;

import java.util.List;
import java.util.Map;

/**
 * A rule for a value of some rows.
 *
 * @param line of its file, from 1
 * @param metric name of the value
 * @param where values that each of these columns may have; rows with others are not looked at
 * @param value what it may be
 * @param ratio what it may be over that of the baseline
 */
record Gate(
    String name,
    int line,
    String metric,
    Map<String, List<Object>> where,
    Bounds value,
    Bounds ratio) {

  /** Of every row, without a rule: shows the change alone. */
  static Gate ofChange(String metric) {
    return new Gate("change", 0, metric, Map.of(), Bounds.NONE, Bounds.NONE);
  }

  /** Whether it only shows what has changed. */
  boolean onlyShows() {
    return value.isEmpty() && ratio.isEmpty();
  }

  boolean matches(Map<String, ?> row) {
    return where.entrySet().stream()
        .allMatch(
            column ->
                column.getValue().stream()
                    .anyMatch(wanted -> isSame(wanted, row.get(column.getKey()))));
  }

  /** Numbers by value, text in any case. */
  static boolean isSame(Object wanted, Object value) {
    return wanted == null || value == null
        ? wanted == value
        : plain(wanted).equalsIgnoreCase(plain(value));
  }

  /** The same text for 1, 1.0 and "1". */
  static String plain(Object value) {
    if (value instanceof Number number) {
      double real = number.doubleValue();
      return real == Math.rint(real) && Math.abs(real) < 1e15
          ? Long.toString((long) real)
          : Double.toString(real);
    }
    return String.valueOf(value);
  }
}
