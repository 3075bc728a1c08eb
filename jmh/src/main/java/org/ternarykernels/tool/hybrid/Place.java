package org.ternarykernels.tool.hybrid;

import java.util.LinkedHashMap;
import java.util.Map;
import org.ternarykernels.tool.measure.MedianInterval;
import org.ternarykernels.tool.problem.Shape;

/**
 * One shape with one number of rows: how long both sides take.
 *
 * @param ternary nanoseconds; null where they were not measured
 * @param dense the same
 * @param ratio of the dense time to the ternary one, of pairs measured in turns; null unless both
 *     were measured
 * @param modelNanos what the cost model expects of the ternary kernel; null where it has none
 * @param ternaryPath what served
 * @param densePath what served, or why nothing did
 * @param error what was wrong with a result; null if nothing was
 */
record Place(
    Shape shape,
    int m,
    MedianInterval ternary,
    MedianInterval dense,
    MedianInterval ratio,
    Double modelNanos,
    String ternaryPath,
    String densePath,
    String error) {
  /** The members of a row. */
  static final String FIELDS =
      "shape, N, K, M, ternary_ns, ternary_low_ns, ternary_high_ns, dense_ns, dense_low_ns,"
          + " dense_high_ns, ratio (dense over ternary: above 1 ternary is faster), ratio_low,"
          + " ratio_high, winner (ternary, dense; same where the ratio's interval has 1), model_ns,"
          + " model (who would win with that time), ternary_path, dense_path, error";

  /** Who is faster; null unless both were measured and are right. */
  String winner() {
    if (ratio == null || error != null) {
      return null;
    }
    if (ratio.low() > 1) {
      return Side.TERNARY.id();
    }
    return ratio.high() < 1 ? Side.DENSE.id() : "same";
  }

  /** Who would be faster if the ternary kernel took as long as the model says. */
  String expected() {
    if (modelNanos == null || dense == null) {
      return null;
    }
    return modelNanos < dense.median() ? Side.TERNARY.id() : Side.DENSE.id();
  }

  Map<String, Object> json() {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("shape", shape.name());
    json.put("N", shape.n());
    json.put("K", shape.k());
    json.put("M", m);
    put(json, "ternary", "_ns", ternary);
    put(json, "dense", "_ns", dense);
    put(json, "ratio", "", ratio);
    json.put("winner", winner());
    json.put("model_ns", modelNanos);
    json.put("model", expected());
    json.put("ternary_path", ternaryPath);
    json.put("dense_path", densePath);
    json.put("error", error);
    return json;
  }

  private static void put(
      Map<String, Object> json, String name, String unit, MedianInterval interval) {
    json.put(name + unit, interval == null ? null : interval.median());
    json.put(name + "_low" + unit, interval == null ? null : interval.low());
    json.put(name + "_high" + unit, interval == null ? null : interval.high());
  }
}
