package org.ternarykernels.tool.bench;

import java.io.IOException;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import org.ternarykernels.tool.measure.Machine;

/** Layers of experts beside the machine's limit, separate products and oneDNN: rows and a table. */
public final class MoeBench {
  /** Every field of a row, in order; null where a row has nothing to say. */
  public static final String FIELDS =
      "op, activation, shape, experts, slots, H, I, alpha, M, routing, layout, isa, path, threads,"
          + " memory, active (experts that some row chose), most_rows (of one expert), copies,"
          + " copies_complete, rows_checked, ns to ratio_to_limit_high as above with stage_ns (the"
          + " mean of each stage's times, by the first word of its path), and for linear and bf16"
          + " (oneDNN, where all experts have as many rows) ratio_to_X to X_what";

  private static final String FORMAT =
      "%-15s %4s %-8s %-10s %3s %-9s %5s %11s %7s %7s %7s %-26s %13s %7s %7s%n";
  private static final long SLICE_NANOS = 4_000_000;

  /** Is told of every row. */
  public interface Listener {
    void rows(List<Map<String, Object>> soFar, String next) throws IOException;
  }

  private final PrintWriter out;
  private final MoePlan plan;
  private final List<Map<String, Object>> rows = new ArrayList<>();

  public MoeBench(PrintWriter out, MoePlan plan) {
    this.out = out;
    this.plan = plan;
  }

  /** The number of rows there will be. */
  public int count() {
    return plan.cases().size();
  }

  /**
   * Measures all cases.
   *
   * @param seconds for the measurements of each
   * @return whether all results were right
   */
  public boolean run(Machine machine, double seconds, Listener listener) throws IOException {
    int most = plan.threads().stream().mapToInt(count -> count).max().orElse(1);
    boolean right = true;
    head();
    try (MoeTrial trial = new MoeTrial(machine, most, SLICE_NANOS, (long) (seconds * 1e9))) {
      for (MoePlan.Case of : plan.cases()) {
        listener.rows(rows, of.toString());
        RowFields row = of.begin();
        try {
          trial.run(of, row);
        } catch (IllegalStateException e) { // a wrong result; the others are still of interest
          row.put("error", e.getMessage());
          right = false;
        }
        rows.add(row.json());
        line(of, row.json());
      }
    }
    listener.rows(rows, "done");
    out.println();
    out.println(
        "Up to 4 rows of every result were compared with the oracle, bit for bit. linear is of"
            + " products alone, on rows that lie gathered; bf16 likewise.");
    out.flush();
    return right;
  }

  private void head() {
    out.println(
        "us: median +- half of its 95 % interval. of limit: the limit's time / ours. linear: the"
            + " time of separate products / ours. bf16: oneDNN's time / ours.");
    out.printf(
        FORMAT,
        "shape",
        "M",
        "routing",
        "layout",
        "thr",
        "memory",
        "exp.",
        "us",
        "+-",
        "GB/s",
        "GOPS",
        "limit",
        "of limit",
        "linear",
        "bf16");
    out.flush();
  }

  /**
   * For example {@code us by stage: activations 0.8, combine 1.1, down 40.2, gate 2.0, gate_up
   * 81.0}.
   */
  private static String stages(Map<?, ?> nanos) {
    return nanos.entrySet().stream()
        .map(
            stage ->
                ((String) stage.getKey()).replace("moe_", "")
                    + " "
                    + BenchTable.number("%.1f", stage.getValue(), 1e-3))
        .collect(Collectors.joining(", ", "us by stage: ", ""));
  }

  private void line(MoePlan.Case of, Map<String, Object> json) {
    if (json.containsKey("error")) {
      out.println(of + ": " + json.get("error"));
    } else {
      out.printf(
          Locale.ROOT,
          FORMAT,
          of.shape().name(),
          of.m(),
          json.get("routing"),
          json.get("layout"),
          of.threads(),
          json.get("memory"),
          json.get("active"),
          BenchTable.number("%.1f", json.get("ns"), 1e-3),
          BenchTable.number("%.1f", json.get("ns_error"), 1e-3),
          BenchTable.number("%.1f", json.get("gbps"), 1),
          BenchTable.number("%.0f", json.get("gops"), 1),
          json.get("limit"),
          BenchTable.number("%.2f", json.get("ratio_to_limit"), 1)
              + " +- "
              + BenchTable.number("%.2f", BenchTable.halfWidth(json), 1),
          BenchTable.number("%.2fx", json.get("ratio_to_linear"), 1),
          BenchTable.number("%.1fx", json.get("ratio_to_bf16"), 1));
      out.println("    " + stages((Map<?, ?>) json.get("stage_ns")));
    }
    out.flush();
  }
}
