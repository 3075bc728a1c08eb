package org.ternarykernels.tool.bench;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.ternarykernels.tool.output.TextTable;

/**
 * The lines of a benchmark on screen: one a row. Columns come in the order of what a reader wants
 * first, for narrow screens show the first of them alone.
 */
final class BenchTable {
  private static final int MOST_COLUMNS_OF_NAME = 36;

  private final TextTable table;
  private final List<String> peers;
  private final boolean blocks;

  /**
   * @param cases that will be lines
   * @param peers names, each with a column
   */
  BenchTable(TextTable table, List<BenchCase> cases, List<String> peers) {
    this.table = table;
    this.peers = peers;
    blocks = cases.stream().anyMatch(BenchCase::hasBlocks);
    int name = cases.stream().mapToInt(of -> label(of).length()).max().orElse(0);
    table
        .left("op, shape", Math.min(name, MOST_COLUMNS_OF_NAME))
        .right("M", 3)
        .left("layout", 9)
        .right("us", 8);
    if (blocks) {
      table.right("a8", 6);
    }
    peers.forEach(peer -> table.right(peer, 8));
    table
        .right("+-", 6)
        .right("of limit", 8)
        .right("bf16", 6)
        .right("int8", 6)
        .right("thr", 3)
        .left("memory", 9)
        .right("GB/s", 6)
        .right("GOPS", 6)
        .right("N", 6)
        .right("K", 6)
        .right("limit +-", 8)
        .left("limit", 26);
  }

  void head() {
    table.note(
        "us: median +- half of its 95 % interval. of limit: the limit's time / ours. bf16, int8:"
            + " oneDNN's time / ours."
            + (blocks ? " a8: the time of a scale a token / ours." : "")
            + (peers.isEmpty()
                ? ""
                : " " + String.join(", ", peers) + ": the peer's time / ours."));
    table.head();
  }

  /** For example {@code linear gate_up}. */
  private static String label(BenchCase of) {
    return of.what() + (of.layout() == null ? " K " + of.shape().k() : " " + of.shape().name());
  }

  void line(BenchRow row) {
    BenchCase of = row.of();
    Map<String, Object> json = row.json();
    List<Object> cells = new ArrayList<>();
    cells.add(label(of));
    cells.add(of.m());
    cells.add(of.layoutName());
    cells.add(number("%.1f", json.get("ns"), 1e-3));
    if (blocks) {
      cells.add(number("%.2fx", json.get("ratio_to_a8"), 1));
    }
    for (String peer : peers) {
      cells.add(
          number("%.2fx", json.get("ratio_to_" + peer), 1)
              + (row.ahead().contains(peer) ? "*" : ""));
    }
    cells.add(number("%.1f", json.get("ns_error"), 1e-3));
    cells.add(number("%.2f", json.get("ratio_to_limit"), 1));
    cells.add(number("%.1fx", json.get("ratio_to_bf16"), 1));
    cells.add(number("%.1fx", json.get("ratio_to_int8"), 1));
    cells.add(of.threads());
    cells.add(of.memoryName());
    cells.add(number("%.1f", json.get("gbps"), 1));
    cells.add(number("%.0f", json.get("gops"), 1));
    cells.add(json.get("N"));
    cells.add(json.get("K"));
    cells.add(number("%.2f", halfWidth(json), 1));
    cells.add(json.get("limit"));
    table.row(cells.toArray());
    error(table, json);
  }

  /** Says what was wrong with a row, below it. */
  static void error(TextTable table, Map<String, Object> json) {
    if (json.containsKey("error")) {
      table.note("  WRONG: " + json.get("error"));
    }
  }

  private static String rows(int count) {
    return count + (count == 1 ? " row" : " rows");
  }

  static Double halfWidth(Map<String, Object> json) {
    return json.get("ratio_to_limit_low") == null
        ? null
        : (((Number) json.get("ratio_to_limit_high")).doubleValue()
                - ((Number) json.get("ratio_to_limit_low")).doubleValue())
            / 2;
  }

  static String number(String format, Object value, double scale) {
    return value == null
        ? "-"
        : String.format(Locale.ROOT, format, ((Number) value).doubleValue() * scale);
  }

  /** What a reader of the table must know: said once. */
  void notes(Iterable<BenchRow> rows) {
    boolean sampled = false;
    boolean spread = true;
    String float32 = null;
    String missing = null;
    for (BenchRow row : rows) {
      Map<String, Object> json = row.json();
      if (json.containsKey("error")) {
        continue;
      }
      sampled |= (Integer) json.get("rows_checked") < row.of().m();
      spread &= !Boolean.FALSE.equals(json.get("copies_complete"));
      Object what = json.get("bf16_what");
      if (what != null && json.get("bf16_ns") == null) {
        missing = what.toString();
      } else if (what != null && what.toString().startsWith("f32")) {
        float32 =
            "bf16 column: oneDNN has no bf16 kernels for this CPU, so it is compared with its f32.";
      }
    }
    table.end();
    table.note("");
    table.note(
        "Every result was compared with the oracle, bit for bit (A16: within its bound)"
            + (sampled ? "; of large products a sample of rows, see rows_checked." : "."));
    table.note(
        "int8 column: oneDNN's is given int8 activations and gives int32 or f32; ours are bf16 in"
            + " and out.");
    if (float32 != null) {
      table.note(float32);
    }
    if (missing != null) {
      table.note("No ratio: " + missing);
    }
    if (!spread) {
      table.note(
          "Memory did not allow four times the last-level cache for every streaming row; see"
              + " copies_complete.");
    }
    peerNotes(rows);
  }

  private void peerNotes(Iterable<BenchRow> rows) {
    int ahead = 0;
    Map<String, Integer> refusals = new LinkedHashMap<>();
    for (BenchRow row : rows) {
      ahead += row.ahead().isEmpty() ? 0 : 1;
      if (row.of().operation() == Workload.Operation.LINEAR && !row.json().containsKey("error")) {
        peers.stream()
            .filter(peer -> row.json().get(peer + "_ns") == null)
            .forEach(
                peer -> refusals.merge((String) row.json().get(peer + "_what"), 1, Integer::sum));
      }
    }
    refusals.forEach((why, count) -> table.note("No ratio on " + rows(count) + ": " + why));
    if (!peers.isEmpty()) {
      table.note(
          "*: the peer is ahead, its time / ours is below 1 with its whole 95 % interval: "
              + rows(ahead)
              + ".");
    }
  }
}
