package org.ternarykernels.tool.hybrid;

import java.util.List;
import java.util.Map;
import org.ternarykernels.tool.output.Screen;
import org.ternarykernels.tool.output.TextTable;

/** Rows of results as people read them. */
final class PlaceTable {
  /** Of {@code summary.csv}. */
  static final List<String> COLUMNS =
      List.of(
          "shape",
          "N",
          "K",
          "M",
          "ternary_ns",
          "ternary_low_ns",
          "ternary_high_ns",
          "dense_ns",
          "dense_low_ns",
          "dense_high_ns",
          "ratio",
          "ratio_low",
          "ratio_high",
          "winner",
          "model_ns",
          "model",
          "ternary_path",
          "dense_path",
          "error");

  private final TextTable table;

  PlaceTable(Screen screen) {
    table =
        screen
            .table()
            .left("shape", 12)
            .right("M", 5)
            .right("ternary us", 11)
            .right("dense us", 11)
            .right("ratio", 6)
            .left("interval", 13)
            .left("winner", 7)
            .right("model us", 9)
            .left("dense", 24);
    table.head();
  }

  /** Prints a row. */
  void line(Map<String, Object> row) {
    String low = TextTable.number("%.2f", row.get("ratio_low"), 1);
    table.row(
        row.get("shape"),
        row.get("M"),
        TextTable.number("%.2f", row.get("ternary_ns"), 1e3),
        TextTable.number("%.2f", row.get("dense_ns"), 1e3),
        TextTable.number("%.2f", row.get("ratio"), 1),
        low == null ? null : low + " - " + TextTable.number("%.2f", row.get("ratio_high"), 1),
        row.get("error") == null ? row.get("winner") : "wrong",
        TextTable.number("%.2f", row.get("model_ns"), 1e3),
        row.get("dense_path"));
  }

  /** Names the columns that were left out. */
  void end() {
    table.end();
  }

  String text() {
    return table.text();
  }
}
