package org.ternarykernels.tool.report;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.ternarykernels.tool.report.Bars.Bar;
import org.ternarykernels.tool.report.Chart.Series;

/** Kernels: times by M, the roofline, how many times faster than dense products. */
final class BenchSection implements Section {
  private static final String[] RIVALS = {"bf16", "int8"};

  @Override
  public String command() {
    return "bench";
  }

  @Override
  public String of(List<Run> runs) {
    StringBuilder html = new StringBuilder();
    for (Run run : runs) {
      List<JsonNode> products =
          run.rows().stream().filter(row -> row.path("gops").isNumber()).toList();
      html.append(Page.runHead(run)).append("<div class=\"charts\">");
      html.append(latency(run.rows())).append(roofline(products));
      for (String rival : RIVALS) {
        html.append(speedUp(products, rival));
      }
      html.append("</div>\n").append(table(run.rows()));
      html.append(gates(run));
    }
    return html.toString();
  }

  private static String name(JsonNode row) {
    return row.path("op").asText()
        + " "
        + row.path("shape").asText()
        + " "
        + row.path("layout").asText("")
        + " "
        + row.path("memory").asText("");
  }

  private static String latency(List<JsonNode> rows) {
    Map<String, List<double[]>> byCase = new LinkedHashMap<>();
    for (JsonNode row : rows) {
      if (row.path("ns").isNumber() && row.path("M").isNumber()) {
        byCase
            .computeIfAbsent(name(row), missing -> new ArrayList<>())
            .add(new double[] {row.path("M").asDouble(), row.path("ns").asDouble() / 1e3});
      }
    }
    List<Series> series = new ArrayList<>();
    byCase.forEach((name, points) -> series.add(new Series(name, points, true)));
    return Chart.of(
        "Time of a call by M",
        Axis.ofRows("M, rows of X", Chart.values(series, 0)),
        Axis.around("µs", true, Chart.values(series, 1)),
        series);
  }

  /** Each product by its operations a byte, under the lines that the machine's limits draw. */
  private static String roofline(List<JsonNode> rows) {
    List<double[]> points = new ArrayList<>();
    Map<String, List<Double>> slopes = new LinkedHashMap<>();
    Map<String, List<Double>> peaks = new LinkedHashMap<>();
    for (JsonNode row : rows) {
      double gbps = row.path("gbps").asDouble();
      double gops = row.path("gops").asDouble();
      double share = row.path("ratio_to_limit").asDouble();
      if (gbps > 0 && gops > 0) {
        points.add(new double[] {gops / gbps, gops});
        String limit = row.path("limit").asText();
        if (share > 0 && limit.contains(" read")) {
          slopes.computeIfAbsent(limit, missing -> new ArrayList<>()).add(gbps / share);
        } else if (share > 0 && !limit.isEmpty()) {
          peaks.computeIfAbsent(limit, missing -> new ArrayList<>()).add(gops / share);
        }
      }
    }
    List<Series> series = new ArrayList<>(List.of(new Series("products", points, false)));
    double least = points.stream().mapToDouble(point -> point[0]).min().orElse(1);
    double most = points.stream().mapToDouble(point -> point[0]).max().orElse(1);
    double highest = peaks.values().stream().mapToDouble(BenchSection::median).max().orElse(0);
    slopes.forEach(
        (limit, values) -> {
          double slope = median(values);
          double end = highest > 0 ? Math.max(least, Math.min(most, highest / slope)) : most;
          series.add(
              new Series(
                  limit + ": " + Math.round(slope) + " GB/s",
                  List.of(new double[] {least, least * slope}, new double[] {end, end * slope}),
                  true));
        });
    peaks.forEach(
        (limit, values) -> {
          double peak = median(values);
          series.add(
              new Series(
                  limit + ": " + Math.round(peak) + " GOPS",
                  List.of(new double[] {least, peak}, new double[] {most, peak}),
                  true));
        });
    return Chart.of(
        "Roofline: operations a second by operations a byte, and the machine's limits",
        Axis.around("operations a byte", true, Chart.values(series, 0)),
        Axis.around("GOPS", true, Chart.values(series, 1)),
        points.isEmpty() ? List.of() : series);
  }

  private static double median(List<Double> values) {
    double[] sorted = values.stream().mapToDouble(Double::doubleValue).sorted().toArray();
    return Arrays.stream(sorted).skip(sorted.length / 2).findFirst().orElse(0);
  }

  private static String speedUp(List<JsonNode> rows, String rival) {
    List<Bar> bars = new ArrayList<>();
    for (JsonNode row : rows) {
      JsonNode ratio = row.path("ratio_to_" + rival);
      if (ratio.isNumber()) {
        bars.add(new Bar(name(row) + ", M " + row.path("M").asText(), ratio.asDouble()));
      }
    }
    return Bars.of("Times faster than oneDNN " + rival, "×", 1, bars);
  }

  private static String table(List<JsonNode> rows) {
    return new DataTable()
        .plain("op", "op")
        .plain("shape", "shape")
        .plain("N", "N")
        .plain("K", "K")
        .plain("M", "M")
        .plain("layout", "layout")
        .plain("memory", "memory")
        .number("µs", "ns", 1e3, 2)
        .number("low", "ns_low", 1e3, 2)
        .number("high", "ns_high", 1e3, 2)
        .number("GB/s", "gbps", 1, 1)
        .number("GOPS", "gops", 1, 1)
        .number("of limit", "ratio_to_limit", 1, 2)
        .number("bf16", "ratio_to_bf16", 1, 2)
        .number("int8", "ratio_to_int8", 1, 2)
        .plain("path", "path")
        .plain("error", "error")
        .of(rows);
  }

  /** What gates said, of any command's run. */
  static String gates(Run run) {
    List<JsonNode> gates = new ArrayList<>();
    run.result().path("gates").forEach(gates::add);
    if (gates.isEmpty()) {
      return "";
    }
    return "<h3>Gates</h3>\n"
        + new DataTable()
            .plain("gate", "gate")
            .plain("row", "row")
            .plain("metric", "metric")
            .plain("value", "value")
            .plain("baseline", "baseline")
            .number("change", "change", 1, 3)
            .plain("verdict", "verdict")
            .of(gates);
  }
}
