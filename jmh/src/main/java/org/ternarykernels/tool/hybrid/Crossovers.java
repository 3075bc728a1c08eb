package org.ternarykernels.tool.hybrid;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What rows of results say together: from which M on dense wins, for each shape and for a step
 * through all of them.
 */
final class Crossovers {
  private static final String OUTPUT_LAYER = "lm_head";
  private static final String SETTING = "TERNARY_PREFILL_SKIP_M=";

  /** What is read of a row. */
  private record Row(
      String shape, int m, Double ternary, Double dense, String winner, String model) {
    static Row of(Map<String, ?> json) {
      return new Row(
          (String) json.get("shape"),
          ((Number) json.get("M")).intValue(),
          number(json.get("ternary_ns")),
          number(json.get("dense_ns")),
          (String) json.get("winner"),
          (String) json.get("model"));
    }

    private static Double number(Object value) {
      return value == null ? null : ((Number) value).doubleValue();
    }
  }

  private final List<Row> rows;
  private final int blocks;
  private final Side force;

  /**
   * @param rows of results
   * @param blocks of the stack: how often a step goes through each shape; once through the output
   *     layer's
   * @param force the side that is declared to serve, whatever the rows say; null for none
   */
  Crossovers(List<? extends Map<String, ?>> rows, int blocks, Side force) {
    this.rows = rows.stream().map(Row::of).toList();
    this.blocks = blocks;
    this.force = force;
  }

  /** Shapes, each with the smallest M from which dense wins and keeps winning; null for none. */
  List<Map<String, Object>> byShape() {
    Map<String, SortedMap<Integer, Boolean>> shapes = new LinkedHashMap<>();
    for (Row row : rows) {
      SortedMap<Integer, Boolean> of = shapes.computeIfAbsent(row.shape, shape -> new TreeMap<>());
      if (row.winner != null) {
        of.put(row.m, row.winner.equals(Side.DENSE.id()));
      }
    }
    List<Map<String, Object>> crossovers = new ArrayList<>();
    shapes.forEach(
        (shape, won) -> {
          Map<String, Object> crossover = new LinkedHashMap<>();
          crossover.put("shape", shape);
          crossover.put("from_m", from(won));
          crossovers.add(crossover);
        });
    return crossovers;
  }

  /** The smallest key from which on all are true; null if the last is not. */
  private static Integer from(SortedMap<Integer, Boolean> won) {
    Integer from = null;
    for (Map.Entry<Integer, Boolean> place : won.entrySet()) {
      if (!place.getValue()) {
        from = null;
      } else if (from == null) {
        from = place.getKey();
      }
    }
    return from;
  }

  /**
   * The most rows that the ternary kernels are to serve: one less than the smallest M from which on
   * a step through all shapes takes less time with dense products. 0 where there is none, which is
   * how the setting says never; null where nothing was compared.
   */
  Integer threshold() {
    if (force != null) {
      return force == Side.DENSE ? 1 : 0;
    }
    SortedMap<Integer, Boolean> faster = new TreeMap<>();
    SortedMap<Integer, double[]> sums = sums();
    sums.forEach((m, sum) -> faster.put(m, sum[1] < sum[0]));
    if (faster.isEmpty()) {
      return null;
    }
    Integer from = from(faster);
    return from == null ? 0 : Math.max(1, from - 1); // the setting cannot say less than one row
  }

  /** Nanoseconds of a step, ternary and dense, for each M of which all shapes were compared. */
  SortedMap<Integer, double[]> sums() {
    long shapes = rows.stream().map(Row::shape).distinct().count();
    SortedMap<Integer, double[]> sums = new TreeMap<>();
    Map<Integer, Integer> counts = new LinkedHashMap<>();
    for (Row row : rows) {
      if (row.winner != null) {
        int times = row.shape.equals(OUTPUT_LAYER) ? 1 : blocks;
        double[] sum = sums.computeIfAbsent(row.m, m -> new double[2]);
        sum[0] += times * row.ternary;
        sum[1] += times * row.dense;
        counts.merge(row.m, 1, Integer::sum);
      }
    }
    sums.keySet().removeIf(m -> counts.get(m) < shapes);
    return sums;
  }

  /** How many rows each side has won. */
  Map<String, Object> counts() {
    Map<String, Object> counts = new LinkedHashMap<>();
    for (Side side : Side.values()) {
      long won = rows.stream().filter(row -> side.id().equals(row.winner)).count();
      long declared = side == force ? rows.size() : 0;
      counts.put(side.id(), force == null ? won : declared);
    }
    return counts;
  }

  /** Rows in which the cost model expects another winner than was measured. */
  List<Map<String, Object>> disagreements() {
    List<Map<String, Object>> list = new ArrayList<>();
    for (Row row : rows) {
      boolean decided = row.winner != null && !row.winner.equals("same");
      if (decided && row.model != null && !Objects.equals(row.winner, row.model)) {
        Map<String, Object> one = new LinkedHashMap<>();
        one.put("shape", row.shape);
        one.put("M", row.m);
        one.put("measured", row.winner);
        one.put("model", row.model);
        list.add(one);
      }
    }
    return list;
  }

  private List<String> ofShapes() {
    return byShape().stream()
        .map(
            one ->
                one.get("shape").toString().replaceAll("\\p{Cntrl}", "?")
                    + (one.get("from_m") == null
                        ? ": dense does not win"
                        : ": dense wins from M = " + one.get("from_m")))
        .toList();
  }

  /** What people read below the table. */
  List<String> sentences() {
    List<String> lines = new ArrayList<>();
    boolean compared = rows.stream().anyMatch(row -> row.winner != null);
    if (compared) {
      lines.addAll(ofShapes());
    }
    Map<String, Object> counts = counts();
    lines.add(
        "rows won: ternary "
            + counts.get(Side.TERNARY.id())
            + ", dense "
            + counts.get(Side.DENSE.id())
            + " of "
            + rows.size()
            + (force == null ? "" : " (forced, not compared)"));
    for (Map<String, Object> one : disagreements()) {
      lines.add(
          one.get("shape")
              + ", M = "
              + one.get("M")
              + ": the cost model expects "
              + one.get("model")
              + ", "
              + one.get("measured")
              + " was faster");
    }
    Integer threshold = threshold();
    lines.add(
        threshold == null
            ? "no threshold: nothing was compared"
            : SETTING + threshold + (threshold == 0 ? " (never)" : ""));
    return lines;
  }

  /**
   * A settings file with the threshold.
   *
   * @param of where and when it was measured, for people
   */
  String settings(String of) {
    StringBuilder text = new StringBuilder();
    comment(text, of.replaceAll("\\p{Cntrl}", "?"));
    if (force != null) {
      comment(text, "forced to " + force.id() + ", not compared");
    } else {
      ofShapes().forEach(line -> comment(text, line));
      sums()
          .forEach(
              (m, sum) ->
                  comment(
                      text,
                      String.format(
                          Locale.ROOT,
                          "M = %d, all shapes: ternary %.1f us, dense %.1f us",
                          m,
                          sum[0] / 1e3,
                          sum[1] / 1e3)));
    }
    comment(
        text, "Rows beyond which dense products serve; 0 is never. GPUs use it, CPUs check it.");
    return text.append(SETTING).append(threshold()).append('\n').toString();
  }

  private static void comment(StringBuilder text, String line) {
    text.append("# ").append(line).append('\n');
  }
}
