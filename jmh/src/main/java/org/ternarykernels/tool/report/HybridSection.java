package org.ternarykernels.tool.report;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.ternarykernels.tool.report.Chart.Series;

/** From how many rows on dense weights are faster. */
final class HybridSection implements Section {
  @Override
  public String command() {
    return "hybrid";
  }

  @Override
  public String of(List<Run> runs) {
    StringBuilder html = new StringBuilder();
    for (Run run : runs) {
      JsonNode threshold = run.result().path("threshold_m");
      html.append(Page.runHead(run));
      html.append(
          new Html()
              .element(
                  "p",
                  threshold.isNumber() && threshold.asLong() > 0
                      ? "Ternary serves up to M = " + threshold.asText() + "."
                      : "Dense weights win nowhere."));
      html.append("<div class=\"charts\">").append(ratios(run)).append("</div>\n");
      html.append(table(run));
    }
    return html.toString();
  }

  private static String ratios(Run run) {
    Map<String, List<double[]>> byShape = new LinkedHashMap<>();
    for (JsonNode row : run.rows()) {
      if (row.path("ratio").asDouble() > 0) {
        byShape
            .computeIfAbsent(row.path("shape").asText(), missing -> new ArrayList<>())
            .add(new double[] {row.path("M").asDouble(), row.path("ratio").asDouble()});
      }
    }
    List<Series> series = new ArrayList<>();
    byShape.forEach((shape, points) -> series.add(new Series(shape, points, true)));
    return Chart.of(
        "Dense time over ternary time by M: above 1 ternary is faster",
        Axis.ofRows("M, rows of X", Chart.values(series, 0)),
        Axis.around("dense / ternary", true, Chart.values(series, 1)),
        series);
  }

  private static String table(Run run) {
    return new DataTable()
        .plain("shape", "shape")
        .plain("N", "N")
        .plain("K", "K")
        .plain("M", "M")
        .number("ternary µs", "ternary_ns", 1e3, 2)
        .number("dense µs", "dense_ns", 1e3, 2)
        .number("dense / ternary", "ratio", 1, 3)
        .number("low", "ratio_low", 1, 3)
        .number("high", "ratio_high", 1, 3)
        .plain("faster", "winner")
        .of(run.rows());
  }
}
