package org.ternarykernels.tool.gate;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/**
 * What a gate says of a row.
 *
 * @param identity of the row
 * @param value null where the row has none
 * @param baseline null where there is none
 * @param broken what the rule is that the row breaks; null where it breaks none
 */
record GateResult(
    Gate gate,
    Map<String, ?> row,
    String identity,
    Measured value,
    Measured baseline,
    String broken) {

  /** What a row is by a gate. */
  enum Verdict {
    OK,
    /** The intervals of value and baseline do not part. */
    SAME,
    FAILED;

    String id() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** Judges a row. */
  static GateResult of(Gate gate, Map<String, ?> row, String identity, Measured baseline) {
    Measured value = Measured.of(row, gate.metric());
    return new GateResult(gate, row, identity, value, baseline, broken(gate, value, baseline));
  }

  private static String broken(Gate gate, Measured value, Measured baseline) {
    if (value == null) {
      return gate.metric() + " has no value, must have one";
    }
    String rule = gate.value().broken(value.value());
    if (rule != null) {
      return gate.metric() + " is " + Measured.text(value.value()) + ", must be " + rule;
    }
    if (baseline == null) {
      return null;
    }
    boolean same = value.isSameAs(baseline);
    double change = same ? 1 : value.over(baseline).value(); // what cannot be told apart is equal
    rule = gate.ratio().broken(change);
    return rule == null
        ? null
        : gate.metric()
            + " is "
            + (same ? "the same as" : Measured.text(change) + " times")
            + " the baseline's, must be "
            + rule
            + (same ? " times" : "");
  }

  Verdict verdict() {
    if (broken != null) {
      return Verdict.FAILED;
    }
    return baseline != null && value.isSameAs(baseline) ? Verdict.SAME : Verdict.OK;
  }

  /** The value over the baseline's; null where one of them is missing. */
  Measured change() {
    return value == null || baseline == null ? null : value.over(baseline);
  }

  Map<String, Object> json() {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("gate", gate.name());
    json.put("row", identity);
    json.put("metric", gate.metric());
    put(json, "value", "low", "high", value);
    json.put("baseline", baseline == null ? null : baseline.value());
    put(json, "change", "change_low", "change_high", change());
    json.put("verdict", verdict().id());
    json.put("why", broken);
    return json;
  }

  private static void put(
      Map<String, Object> json, String name, String low, String high, Measured value) {
    json.put(name, value == null ? null : value.value());
    json.put(low, value == null ? null : value.low());
    json.put(high, value == null ? null : value.high());
  }
}
