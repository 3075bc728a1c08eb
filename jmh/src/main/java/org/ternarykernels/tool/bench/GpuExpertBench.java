package org.ternarykernels.tool.bench;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.ternarykernels.Activation;
import org.ternarykernels.Layout;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.tool.bench.Workload.Operation;
import org.ternarykernels.tool.problem.ExpertChoice;
import org.ternarykernels.tool.problem.ExpertCopies;
import org.ternarykernels.tool.problem.MoeShape;
import org.ternarykernels.tool.problem.WeightCopies.State;

/** Layers of experts and routers on a GPU, timed by its events. */
public final class GpuExpertBench {
  /**
   * What is measured. A router has neither routing, layout nor activation of its own.
   *
   * @param rows of X
   * @param choices of experts
   * @param seconds for a row
   */
  public record Plan(
      List<MoeShape> shapes,
      List<Operation> operations,
      List<Integer> rows,
      List<ExpertChoice> choices,
      List<Layout> layouts,
      List<State> memory,
      List<Activation> activations,
      double seconds) {}

  /** Every field of a row, in order. */
  public static final String FIELDS =
      "op, shape, experts, slots, H, M, memory, copies, path, rows_checked, ns, ns_low, ns_high,"
          + " rounds, gbps, or error; of moe also I, activation, routing, layout and active"
          + " (experts that some row chose)";

  private static final String FORMAT = "%-6s %-15s %4s %-8s %-10s %-9s %5s %10s %8s %8s  %s%n";

  private final PrintWriter out;
  private final Plan plan;
  private final Map<String, Object> json = new LinkedHashMap<>();
  private final List<Map<String, Object>> rows = new ArrayList<>();
  private boolean failed;

  public GpuExpertBench(PrintWriter out, Plan plan) {
    this.out = out;
    this.plan = plan;
    json.put("complete", false);
  }

  public Map<String, Object> json() {
    json.put("rows", rows);
    return json;
  }

  /**
   * @return the exit code
   */
  public int run(String device) {
    return GpuBench.onGpu(
        device,
        out,
        json,
        this::measure,
        reason -> {
          out.println("No GPU was measured: " + reason);
          out.flush();
          return 1;
        });
  }

  private boolean measure(TernaryRuntime runtime) {
    out.println(
        "us: median +- half of its 95 % interval, by the GPU's clock, calls of one graph back to"
            + " back; bf16 in and out. GB/s: of the weights of experts that some row chose, or of"
            + " the router's matrix.");
    out.printf(
        FORMAT, "op", "shape", "M", "routing", "layout", "memory", "exp.", "us", "+-", "GB/s",
        "path");
    out.flush();
    for (MoeShape shape : plan.shapes()) {
      for (State memory : plan.memory()) {
        for (Operation operation : plan.operations()) {
          if (operation == Operation.ROUTE) {
            plan.rows().forEach(m -> routes(runtime, shape, memory, m));
          } else {
            plan.layouts().forEach(layout -> layers(runtime, shape, memory, layout));
          }
        }
      }
    }
    return !failed;
  }

  private void routes(TernaryRuntime runtime, MoeShape shape, State memory, int m) {
    measure(
        begin(Operation.ROUTE, shape, memory, m),
        () -> GpuExpertTrial.ofRouter(runtime, shape, memory, m));
  }

  private void layers(TernaryRuntime runtime, MoeShape shape, State memory, Layout layout) {
    try (ExpertCopies weights = GpuExpertTrial.weights(shape, layout, memory)) {
      for (Activation activation : plan.activations()) {
        for (int m : plan.rows()) {
          for (ExpertChoice choice : plan.choices()) {
            Map<String, Object> row = begin(Operation.MOE, shape, memory, m);
            row.put("I", shape.i());
            row.put("activation", activation.toString());
            row.put("routing", MoePlan.Case.lower(choice));
            row.put("layout", MoePlan.Case.lower(layout));
            ExpertRounds rounds = GpuExpertTrial.rounds(shape, choice, memory, m);
            row.put("active", rounds.active());
            measure(row, () -> GpuExpertTrial.ofLayer(runtime, weights, activation, rounds, m));
          }
        }
      }
    }
  }

  private static Map<String, Object> begin(
      Operation operation, MoeShape shape, State memory, int m) {
    Map<String, Object> row = new LinkedHashMap<>();
    row.put("op", operation.id());
    row.put("shape", shape.name());
    row.put("experts", shape.experts());
    row.put("slots", shape.slots());
    row.put("H", shape.h());
    row.put("M", m);
    row.put("memory", MoePlan.Case.lower(memory));
    return row;
  }

  /** Makes a trial. */
  private interface Maker {
    GpuExpertTrial make();
  }

  private void measure(Map<String, Object> row, Maker maker) {
    rows.add(row);
    try (GpuExpertTrial trial = maker.make()) {
      trial.measure(row, plan.seconds());
    } catch (IllegalStateException e) { // a wrong result; the others are still of interest
      row.put("error", e.getMessage());
      failed = true;
    }
    line(row);
  }

  private void line(Map<String, Object> row) {
    Double ns = (Double) row.get("ns");
    out.printf(
        Locale.ROOT,
        FORMAT,
        row.get("op"),
        row.get("shape"),
        row.get("M"),
        row.getOrDefault("routing", "-"),
        row.getOrDefault("layout", "-"),
        row.get("memory"),
        row.getOrDefault("active", "-"),
        GpuBench.micros(ns),
        ns == null
            ? "-"
            : GpuBench.micros(((Double) row.get("ns_high") - (Double) row.get("ns_low")) / 2),
        BenchTable.number("%.0f", row.get("gbps"), 1),
        row.getOrDefault("error", row.get("path")));
    out.flush();
  }
}
