package org.ternarykernels.tool.shadow;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Predicate;

/**
 * A call whose results differed when they were computed again: a line of the library's file.
 *
 * @param by what computed it again
 * @param worstRow the first row with {@code maxAbs}
 * @param maxAbs the largest difference; null where a value was not finite beside one that was
 * @param maxRel the largest against the reference or its row's root mean square; null likewise
 * @param different values that differ
 * @param elements values that were compared
 */
record Divergence(
    String op,
    long m,
    long n,
    long k,
    String activation,
    String layout,
    String path,
    String by,
    long worstRow,
    Double maxAbs,
    Double maxRel,
    long different,
    long elements) {
  /** The members of a line, in order. */
  static final String FIELDS =
      "op, M, N, K, activation, layout, path, by, worst_row, max_abs, max_rel, different, elements";

  /**
   * Reads a line.
   *
   * @throws IllegalArgumentException if a member is missing or of another type; the message is the
   *     reason alone
   */
  static Divergence of(JsonNode line) {
    if (line == null || !line.isObject()) {
      throw new IllegalArgumentException("it is no JSON object");
    }
    return new Divergence(
        text(line, "op"),
        count(line, "M"),
        count(line, "N"),
        count(line, "K"),
        text(line, "activation"),
        text(line, "layout"),
        text(line, "path"),
        text(line, "by"),
        count(line, "worst_row"),
        size(line, "max_abs"),
        size(line, "max_rel"),
        count(line, "different"),
        count(line, "elements"));
  }

  private static String text(JsonNode line, String name) {
    return member(line, name, JsonNode::isTextual, "text").asText();
  }

  private static long count(JsonNode line, String name) {
    return member(
            line,
            name,
            value -> value.canConvertToExactIntegral() && value.asLong() >= 0,
            "a whole number from 0 on")
        .asLong();
  }

  private static Double size(JsonNode line, String name) {
    JsonNode value =
        member(
            line,
            name,
            size -> size.isNull() || size.isNumber() && size.asDouble() >= 0,
            "a number from 0 on or null");
    return value.isNull() ? null : value.asDouble();
  }

  private static JsonNode member(
      JsonNode line, String name, Predicate<JsonNode> valid, String rule) {
    JsonNode value = line.get(name);
    if (value == null) {
      throw new IllegalArgumentException("it has no " + name);
    }
    if (!valid.test(value)) {
      throw new IllegalArgumentException(name + " is " + value + ", must be " + rule);
    }
    return value;
  }

  /** The line as a row of results. */
  Map<String, Object> json() {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("op", op);
    json.put("M", m);
    json.put("N", n);
    json.put("K", k);
    json.put("activation", activation);
    json.put("layout", layout);
    json.put("path", path);
    json.put("by", by);
    json.put("worst_row", worstRow);
    json.put("max_abs", maxAbs);
    json.put("max_rel", maxRel);
    json.put("different", different);
    json.put("elements", elements);
    return json;
  }

  /** Where it is among others: what is not finite is the worst. */
  double badness() {
    return maxRel == null ? Double.POSITIVE_INFINITY : maxRel;
  }
}
