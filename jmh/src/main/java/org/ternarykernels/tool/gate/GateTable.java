package org.ternarykernels.tool.gate;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.ternarykernels.tool.output.TextTable;

/** Verdicts on screen: a line a row, then a sentence for each that failed. */
final class GateTable {
  private static final int SENTENCES = 20;

  /** Columns of verdict, value, change and range, with the spaces between all. */
  private static final int OTHERS = 41;

  private static final int LEAST_OF_NAME = 12;

  private final TextTable table;
  private final int width;

  /**
   * @param width of a line; names and rows share what the others leave
   */
  GateTable(TextTable table, int width) {
    this.table = table;
    this.width = width;
  }

  /**
   * @param baseline where the stored rows are; null where there are none
   * @param names columns that tell the rows apart
   */
  void print(List<GateResult> results, String baseline, List<String> names) {
    table.note(
        baseline == null
            ? "Gates:"
            : "Gates; change: over the baseline's in "
                + baseline
                + ", with the range that both intervals allow; same: the intervals do not part.");
    int name = results.stream().mapToInt(r -> r.gate().name().length()).max().orElse(0);
    int row = results.stream().mapToInt(r -> shortText(r.row(), names).length()).max().orElse(0);
    int left = Math.max(2 * LEAST_OF_NAME, width - OTHERS);
    int nameWidth = Math.min(name, Math.max(LEAST_OF_NAME, left - row));
    table
        .left("verdict", 7)
        .left("gate", nameWidth)
        .left("row", Math.min(row, left - nameWidth))
        .right("value", 9)
        .right("change", 6)
        .right("range", 9)
        .left("metric", 16);
    results.forEach(result -> line(result, names));
    table.end();
    List<GateResult> failed =
        results.stream().filter(r -> r.verdict() == GateResult.Verdict.FAILED).toList();
    failed.stream()
        .limit(SENTENCES)
        .forEach(
            result ->
                table.note(
                    "FAILED "
                        + result.gate().name()
                        + ": "
                        + result.broken()
                        + " ("
                        + result.identity()
                        + ")"));
    if (failed.size() > SENTENCES) {
      table.note("FAILED: " + (failed.size() - SENTENCES) + " more, which JSON has");
    }
    table.note(
        count(results, GateResult.Verdict.OK)
            + " ok, "
            + count(results, GateResult.Verdict.SAME)
            + " same, "
            + failed.size()
            + " failed");
  }

  private void line(GateResult result, List<String> names) {
    Measured change = result.change();
    table.row(
        result.verdict().id(),
        result.gate().name(),
        shortText(result.row(), names),
        result.value() == null ? null : Measured.text(result.value().value()),
        change == null ? null : ratio(change.value()),
        change == null ? null : ratio(change.low()) + "-" + ratio(change.high()),
        result.gate().metric());
  }

  /** Without names of columns whose values are words. */
  private static String shortText(Map<String, ?> row, List<String> names) {
    StringBuilder text = new StringBuilder();
    for (String name : names) {
      Object value = row.get(name);
      if (value != null) {
        text.append(text.isEmpty() ? "" : " ");
        text.append(value instanceof Number || value instanceof Boolean ? name + "=" : "");
        text.append(Gate.plain(value));
      }
    }
    return text.toString();
  }

  private static String ratio(double value) {
    return String.format(Locale.ROOT, value < 9.995 ? "%.2f" : "%.0f", value);
  }

  private static long count(List<GateResult> results, GateResult.Verdict verdict) {
    return results.stream().filter(result -> result.verdict() == verdict).count();
  }
}
