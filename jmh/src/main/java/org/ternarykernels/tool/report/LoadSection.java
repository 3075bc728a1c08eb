package org.ternarykernels.tool.report;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import org.ternarykernels.tool.report.Bars.Bar;
import org.ternarykernels.tool.report.Chart.Series;

/** Users: throughput and latencies by their number, and how evenly experts are used. */
final class LoadSection implements Section {
  private static final int MOST_EXPERTS = 32;

  @Override
  public String command() {
    return "load";
  }

  @Override
  public String of(List<Run> runs) {
    StringBuilder html = new StringBuilder();
    for (Run run : runs) {
      html.append(Page.runHead(run)).append(single(run)).append("<div class=\"charts\">");
      html.append(
          curve(
              run,
              "Tokens a second by users",
              "tokens/s",
              false,
              new String[] {"tokens_per_second"},
              1));
      html.append(
          curve(
              run,
              "Latency by users",
              "ms",
              true,
              new String[] {"step_p50_ns", "step_p95_ns", "ttft_p50_ns", "ttft_p95_ns"},
              1e6));
      html.append(experts(run)).append("</div>\n").append(table(run));
      html.append(BenchSection.gates(run));
    }
    return html.toString();
  }

  private static String single(Run run) {
    JsonNode m1 = run.result().path("m1");
    if (!m1.path("p50_ns").isNumber()) {
      return "";
    }
    return String.format(
        Locale.ROOT,
        "<p>One row alone: %.3f ms a step (p95 %.3f), %.1f tokens/s.</p>%n",
        m1.path("p50_ns").asDouble() / 1e6,
        m1.path("p95_ns").asDouble() / 1e6,
        m1.path("tokens_per_second").asDouble());
  }

  private static String curve(
      Run run, String title, String unit, boolean logarithmic, String[] fields, double divisor) {
    List<Series> series = new ArrayList<>();
    for (String field : fields) {
      List<double[]> points = new ArrayList<>();
      for (JsonNode row : run.rows()) {
        if (row.path(field).asDouble() > 0) {
          points.add(
              new double[] {row.path("users").asDouble(), row.path(field).asDouble() / divisor});
        }
      }
      points.sort(Comparator.comparingDouble(point -> point[0]));
      series.add(new Series(field.replace("_ns", "").replace('_', ' '), points, true));
    }
    return Chart.of(
        title,
        Axis.ofRows("users", Chart.values(series, 0)),
        Axis.around(unit, logarithmic, Chart.values(series, 1)),
        series);
  }

  /** The busiest experts, in multiples of an even share. */
  private static String experts(Run run) {
    List<Double> rows = new ArrayList<>();
    run.result().path("expert_rows").forEach(count -> rows.add(count.asDouble()));
    double all = rows.stream().mapToDouble(Double::doubleValue).sum();
    if (all == 0) {
      return "";
    }
    List<Bar> bars = new ArrayList<>();
    for (int i = 0; i < rows.size(); i++) {
      bars.add(new Bar("expert " + i, rows.get(i) * rows.size() / all));
    }
    bars.sort(Comparator.comparingDouble(Bar::value).reversed());
    return Bars.of(
        String.format(
            Locale.ROOT,
            "Rows of an expert over an even share: the busiest has %.2f",
            bars.get(0).value()),
        "×",
        1,
        bars.subList(0, Math.min(MOST_EXPERTS, bars.size())));
  }

  private static String table(Run run) {
    return new DataTable()
        .plain("users", "users")
        .plain("mode", "mode")
        .plain("requests", "requests")
        .plain("failed", "failed")
        .number("tokens/s", "tokens_per_second", 1, 1)
        .number("requests/s", "requests_per_second", 1, 2)
        .number("step ms", "step_p50_ns", 1e6, 3)
        .number("p95", "step_p95_ns", 1e6, 3)
        .number("first token ms", "ttft_p50_ns", 1e6, 2)
        .number("p95", "ttft_p95_ns", 1e6, 2)
        .number("between tokens ms", "itl_p50_ns", 1e6, 2)
        .number("p95", "itl_p95_ns", 1e6, 2)
        .number("answer ms", "e2e_p50_ns", 1e6, 2)
        .number("p95", "e2e_p95_ns", 1e6, 2)
        .number("queue", "queue_depth_mean", 1, 2)
        .plain("cut", "cut")
        .plain("why", "why")
        .of(run.rows());
  }
}
