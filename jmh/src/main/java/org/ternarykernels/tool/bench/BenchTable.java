package org.ternarykernels.tool.bench;

import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * The lines of a benchmark on screen: one a row, with the interval of its time and of its share of
 * the limit.
 */
public final class BenchTable {
  private static final String FORMAT =
      "%-44s %4s %-10s %3s %-9s %11s %7s %7s %7s %-26s %13s %8s %8s";

  private final PrintWriter out;
  private final List<String> peers;
  private final boolean blocks;

  /**
   * @param peers names, each with a column
   * @param blocks whether rows by block are put beside those per token, in a column of their own
   */
  public BenchTable(PrintWriter out, List<String> peers, boolean blocks) {
    this.out = out;
    this.peers = peers;
    this.blocks = blocks;
  }

  public void head() {
    out.println(
        "us: median +- half of its 95 % interval. of limit: the limit's time / ours. bf16, int8:"
            + " oneDNN's time / ours."
            + (blocks ? " a8: the time of a scale a token / ours." : "")
            + (peers.isEmpty()
                ? ""
                : " " + String.join(", ", peers) + ": the peer's time / ours."));
    out.printf(
        FORMAT,
        "op, shape (N x K)",
        "M",
        "layout",
        "thr",
        "memory",
        "us",
        "+-",
        "GB/s",
        "GOPS",
        "limit",
        "of limit",
        "bf16",
        "int8");
    if (blocks) {
      column("a8", "a8");
    }
    peers.forEach(peer -> column(peer, peer));
    out.println();
    out.flush();
  }

  /** A cell of a peer's column. */
  private void column(String peer, String text) {
    out.printf(" %" + Math.max(9, peer.length()) + "s", text);
  }

  public void line(BenchRow row) {
    BenchCase of = row.of();
    Map<String, Object> json = row.json();
    String shape =
        of.layout() == null
            ? of.what() + " K " + of.shape().k()
            : of.what()
                + " "
                + of.shape().name()
                + " ("
                + of.shape().n()
                + " x "
                + of.shape().k()
                + ")";
    if (json.containsKey("error")) {
      out.printf(
          Locale.ROOT,
          "%-44s %4d %-10s %3d %-9s %s%n",
          shape,
          of.m(),
          of.layoutName(),
          of.threads(),
          of.memoryName(),
          json.get("error"));
    } else {
      out.printf(
          Locale.ROOT,
          FORMAT,
          shape,
          of.m(),
          of.layoutName(),
          of.threads(),
          of.memoryName(),
          number("%.1f", json.get("ns"), 1e-3),
          number("%.1f", json.get("ns_error"), 1e-3),
          number("%.1f", json.get("gbps"), 1),
          number("%.0f", json.get("gops"), 1),
          json.get("limit"),
          number("%.2f", json.get("ratio_to_limit"), 1)
              + " +- "
              + number("%.2f", halfWidth(json), 1),
          number("%.1fx", json.get("ratio_to_bf16"), 1),
          number("%.1fx", json.get("ratio_to_int8"), 1));
      if (blocks) {
        column("a8", number("%.2fx", json.get("ratio_to_a8"), 1));
      }
      for (String peer : peers) {
        column(
            peer,
            number("%.2fx", json.get("ratio_to_" + peer), 1)
                + (row.ahead().contains(peer) ? "*" : ""));
      }
      out.println();
    }
    out.flush();
  }

  private static String rows(int count) {
    return count + (count == 1 ? " row" : " rows");
  }

  static Double halfWidth(Map<String, Object> json) {
    return json.get("ratio_to_limit_low") == null
        ? null
        : ((Double) json.get("ratio_to_limit_high") - (Double) json.get("ratio_to_limit_low")) / 2;
  }

  static String number(String format, Object value, double scale) {
    return value == null ? "-" : String.format(Locale.ROOT, format, (Double) value * scale);
  }

  /** What a reader of the table must know: said once. */
  public void notes(Iterable<BenchRow> rows) {
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
    out.println();
    out.println(
        "Every result was compared with the oracle, bit for bit (A16: within its bound)"
            + (sampled ? "; of large products a sample of rows, see rows_checked." : "."));
    out.println(
        "int8 column: oneDNN's is given int8 activations and gives int32 or f32; ours are bf16 in"
            + " and out.");
    if (float32 != null) {
      out.println(float32);
    }
    if (missing != null) {
      out.println("No ratio: " + missing);
    }
    if (!spread) {
      out.println(
          "Memory did not allow four times the last-level cache for every streaming row; see"
              + " copies_complete.");
    }
    peerNotes(rows);
    out.flush();
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
    refusals.forEach((why, count) -> out.println("No ratio on " + rows(count) + ": " + why));
    if (!peers.isEmpty()) {
      out.println(
          "*: the peer is ahead, its time / ours is below 1 with its whole 95 % interval: "
              + rows(ahead)
              + ".");
    }
  }
}
