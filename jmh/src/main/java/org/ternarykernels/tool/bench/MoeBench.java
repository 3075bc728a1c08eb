package org.ternarykernels.tool.bench;

import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.ternarykernels.tool.measure.Machine;
import org.ternarykernels.tool.output.TextTable;

/** Layers of experts beside the machine's limit, separate products and oneDNN: rows and a table. */
public final class MoeBench implements RowBench {
  /** Every field of a row, in order; null where a row has nothing to say. */
  public static final String FIELDS =
      "op, activation, shape, experts, slots, H, I, alpha, M, routing, layout, isa, path, threads,"
          + " memory, active (experts that some row chose), most_rows (of one expert), copies,"
          + " copies_complete, rows_checked, ns to ratio_to_limit_high as above with stage_ns (the"
          + " mean of each stage's times, by the first word of its path), and for linear and bf16"
          + " (oneDNN, where all experts have as many rows) ratio_to_X to X_what";

  private static final long SLICE_NANOS = 4_000_000;

  private final TextTable table;
  private final Machine machine;
  private final MoePlan plan;
  private final double seconds;

  /**
   * @param seconds for the measurements of each row
   */
  public MoeBench(TextTable table, Machine machine, MoePlan plan, double seconds) {
    this.table = table;
    this.machine = machine;
    this.plan = plan;
    this.seconds = seconds;
  }

  @Override
  public List<Map<String, Object>> planned() {
    return plan.cases().stream().map(of -> of.begin().json()).toList();
  }

  @Override
  public boolean run(RowSink sink) {
    int most = plan.threads().stream().mapToInt(count -> count).max().orElse(1);
    boolean right = true;
    head();
    try (MoeTrial trial = new MoeTrial(machine, most, SLICE_NANOS, (long) (seconds * 1e9))) {
      for (MoePlan.Case of : plan.cases()) {
        sink.next(of.toString());
        Map<String, Object> row = row(of, trial, sink);
        right &= !row.containsKey("error");
        line(of, row);
        sink.add(row);
      }
    }
    table.end();
    table.note("");
    table.note(
        "Up to 4 rows of every result were compared with the oracle, bit for bit. linear is of"
            + " products alone, on rows that lie gathered; bf16 likewise.");
    return right;
  }

  private static Map<String, Object> row(MoePlan.Case of, MoeTrial trial, RowSink sink) {
    RowFields row = of.begin();
    Map<String, Object> finished = sink.finished(row.json());
    if (finished != null) {
      return finished;
    }
    try {
      trial.run(of, row);
    } catch (IllegalStateException e) { // a wrong result; the others are still of interest
      row.put("error", e.getMessage());
    }
    return row.json();
  }

  private void head() {
    table.note(
        "us: median +- half of its 95 % interval. of limit: the limit's time / ours. linear: the"
            + " time of separate products / ours. bf16: oneDNN's time / ours.");
    table
        .left("shape", 14)
        .right("M", 3)
        .left("routing", 7)
        .left("X", 5)
        .right("us", 8)
        .right("+-", 6)
        .right("of limit", 8)
        .right("linear", 6)
        .right("bf16", 5)
        .left("layout", 9)
        .right("thr", 3)
        .left("memory", 9)
        .right("exp.", 4)
        .right("GB/s", 6)
        .right("GOPS", 6)
        .right("limit +-", 8)
        .left("limit", 26)
        .head();
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
    table.row(
        of.shape().name(),
        of.m(),
        json.get("routing"),
        json.get("activation"),
        BenchTable.number("%.1f", json.get("ns"), 1e-3),
        BenchTable.number("%.1f", json.get("ns_error"), 1e-3),
        BenchTable.number("%.2f", json.get("ratio_to_limit"), 1),
        BenchTable.number("%.2fx", json.get("ratio_to_linear"), 1),
        BenchTable.number("%.1fx", json.get("ratio_to_bf16"), 1),
        json.get("layout"),
        of.threads(),
        json.get("memory"),
        json.get("active"),
        BenchTable.number("%.1f", json.get("gbps"), 1),
        BenchTable.number("%.0f", json.get("gops"), 1),
        BenchTable.number("%.2f", BenchTable.halfWidth(json), 1),
        json.get("limit"));
    BenchTable.error(table, json);
    if (json.get("stage_ns") instanceof Map<?, ?> stages) {
      table.note("    " + stages(stages));
    }
  }
}
