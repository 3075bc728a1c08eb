package org.ternarykernels.tool.sweep;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.ternarykernels.tool.output.Screen;
import org.ternarykernels.tool.output.TextTable;
import org.ternarykernels.tool.sweep.Sweep.Summary;

/** What profiles came to: a row each, in JSON, CSV and on the screen. */
final class SummaryTable {
  /** Of CSV. */
  static final List<String> COLUMNS =
      List.of(
          "profile",
          "m1_p50",
          "m1_p95",
          "m1_tps",
          "c1_tps",
          "c16_tps",
          "cmax_tps",
          "c1_p50",
          "cmax_p50",
          "failed",
          "effect",
          "better");

  private SummaryTable() {}

  /** The row of a profile. */
  static Map<String, Object> json(Summary of) {
    Map<String, Object> row = new LinkedHashMap<>();
    row.put("profile", of.profile().name());
    for (Metric metric : Metric.values()) {
      row.put(metric.column(), of.medians().get(metric));
    }
    row.put("failed", of.failed());
    row.put("effect", of.profile().isBaseline() ? "" : of.effect().word());
    row.put("better", of.isBetter());
    if (of.decode() != null) {
      row.put("decode_ratio", of.decode().median());
      row.put("decode_low", of.decode().low());
      row.put("decode_high", of.decode().high());
    }
    if (of.throughput() != null) {
      row.put("throughput_ratio", of.throughput().median());
      row.put("throughput_low", of.throughput().low());
      row.put("throughput_high", of.throughput().high());
    }
    return row;
  }

  /** Prints all of them. */
  static TextTable print(Screen screen, List<Summary> summaries) {
    TextTable table =
        screen
            .table()
            .left("profile", 20)
            .right("m1 ms", 8)
            .right("decode x", 8)
            .right("cmax tok/s", 10)
            .right("tok/s x", 8)
            .left("said", 14)
            .right("c1 tok/s", 9)
            .right("c16 tok/s", 9);
    for (Summary summary : summaries) {
      table.row(
          summary.profile().name(),
          TextTable.number("%.3f", summary.medians().get(Metric.M1_P50), 1e6),
          summary.decode() == null ? null : TextTable.number("%.3f", summary.decode().median(), 1),
          TextTable.number("%.1f", summary.medians().get(Metric.CMAX_TPS), 1),
          summary.throughput() == null
              ? null
              : TextTable.number("%.3f", summary.throughput().median(), 1),
          said(summary),
          TextTable.number("%.1f", summary.medians().get(Metric.C1_TPS), 1),
          TextTable.number("%.1f", summary.medians().get(Metric.C16_TPS), 1));
    }
    table.end();
    return table;
  }

  private static String said(Summary summary) {
    if (summary.failed() > 0) {
      return "failed " + summary.failed() + "x";
    }
    if (summary.profile().isBaseline()) {
      return "";
    }
    return switch (summary.effect()) {
      case NONE -> "no effect";
      case UNKNOWN -> "not compared";
      case YES -> summary.isBetter() ? "better" : "";
    };
  }
}
