package org.ternarykernels.tool.bench;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.ternarykernels.Activation;
import org.ternarykernels.Layout;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.tool.bench.Workload.Operation;
import org.ternarykernels.tool.output.TextTable;
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

  private final TextTable table;
  private final Plan plan;
  private final Map<String, Object> json = new LinkedHashMap<>();
  private boolean failed;

  public GpuExpertBench(TextTable table, Plan plan) {
    this.table = table;
    this.plan = plan;
    json.put("complete", false);
  }

  /** What there is of the result beside its rows. */
  public Map<String, Object> json() {
    return json;
  }

  /** What will be measured: of each row the fields that say so. */
  public List<Map<String, Object>> planned() {
    return cases().stream().map(Case::begin).toList();
  }

  /**
   * @return the exit code
   */
  public int run(String device, RowSink sink) {
    return GpuBench.onGpu(
        device,
        table,
        json,
        runtime -> measure(runtime, sink),
        reason -> {
          table.note("No GPU was measured: " + reason);
          return 1;
        });
  }

  /** A row; of a router without layout, activation and choice. */
  private record Case(
      Operation operation,
      MoeShape shape,
      State memory,
      Layout layout,
      Activation activation,
      int m,
      ExpertChoice choice) {

    Map<String, Object> begin() {
      Map<String, Object> row = new LinkedHashMap<>();
      row.put("op", operation.id());
      row.put("shape", shape.name());
      row.put("experts", shape.experts());
      row.put("slots", shape.slots());
      row.put("H", shape.h());
      row.put("M", m);
      row.put("memory", MoePlan.Case.lower(memory));
      if (choice != null) {
        row.put("I", shape.i());
        row.put("activation", activation.toString());
        row.put("routing", MoePlan.Case.lower(choice));
        row.put("layout", MoePlan.Case.lower(layout));
      }
      return row;
    }

    boolean hasWeightsOf(Case other) {
      return other != null
          && shape.equals(other.shape)
          && memory == other.memory
          && layout == other.layout;
    }
  }

  private List<Case> cases() {
    List<Case> cases = new ArrayList<>();
    for (MoeShape shape : plan.shapes()) {
      for (State memory : plan.memory()) {
        for (Operation operation : plan.operations()) {
          if (operation == Operation.ROUTE) {
            plan.rows()
                .forEach(m -> cases.add(new Case(operation, shape, memory, null, null, m, null)));
          } else {
            plan.layouts().forEach(layout -> addLayers(cases, operation, shape, memory, layout));
          }
        }
      }
    }
    return cases;
  }

  private void addLayers(
      List<Case> cases, Operation operation, MoeShape shape, State memory, Layout layout) {
    for (Activation activation : plan.activations()) {
      for (int m : plan.rows()) {
        for (ExpertChoice choice : plan.choices()) {
          cases.add(new Case(operation, shape, memory, layout, activation, m, choice));
        }
      }
    }
  }

  private boolean measure(TernaryRuntime runtime, RowSink sink) {
    head();
    Case weightsOf = null;
    ExpertCopies weights = null;
    try {
      for (Case of : cases()) {
        Map<String, Object> begun = of.begin();
        sink.next(begun.get("op") + " " + begun.get("shape") + " M " + of.m());
        Map<String, Object> row = sink.finished(begun);
        if (row == null && of.choice() != null && !of.hasWeightsOf(weightsOf)) {
          close(weights);
          weights = GpuExpertTrial.weights(of.shape(), of.layout(), of.memory());
          weightsOf = of;
        }
        row = row == null ? measure(runtime, of, begun, weights) : row;
        failed |= row.containsKey("error");
        line(row);
        sink.add(row);
      }
    } finally {
      close(weights);
    }
    table.end();
    return !failed;
  }

  private static void close(ExpertCopies weights) {
    if (weights != null) {
      weights.close();
    }
  }

  private Map<String, Object> measure(
      TernaryRuntime runtime, Case of, Map<String, Object> row, ExpertCopies weights) {
    try (GpuExpertTrial trial = trial(runtime, of, row, weights)) {
      trial.measure(row, plan.seconds());
    } catch (IllegalStateException e) { // a wrong result; the others are still of interest
      row.put("error", e.getMessage());
    }
    return row;
  }

  private static GpuExpertTrial trial(
      TernaryRuntime runtime, Case of, Map<String, Object> row, ExpertCopies weights) {
    if (of.choice() == null) {
      return GpuExpertTrial.ofRouter(runtime, of.shape(), of.memory(), of.m());
    }
    ExpertRounds rounds = GpuExpertTrial.rounds(of.shape(), of.choice(), of.memory(), of.m());
    row.put("active", rounds.active());
    return GpuExpertTrial.ofLayer(runtime, weights, of.activation(), rounds, of.m());
  }

  private void head() {
    table.note(
        "us: median +- half of its 95 % interval, by the GPU's clock, calls of one graph back to"
            + " back; bf16 in and out. GB/s: of the weights of experts that some row chose, or of"
            + " the router's matrix.");
    table
        .left("op", 5)
        .left("shape", 14)
        .right("M", 3)
        .left("routing", 7)
        .left("X", 5)
        .left("layout", 9)
        .right("us", 8)
        .right("+-", 6)
        .right("GB/s", 5)
        .left("memory", 9)
        .right("exp.", 4)
        .left("path", 40)
        .head();
  }

  private void line(Map<String, Object> row) {
    table.row(
        row.get("op"),
        row.get("shape"),
        row.get("M"),
        row.get("routing"),
        row.get("activation"),
        row.get("layout"),
        GpuBench.micros(row.get("ns")),
        GpuBench.halfInterval(row),
        BenchTable.number("%.0f", row.get("gbps"), 1),
        row.get("memory"),
        row.get("active"),
        row.get("path"));
    BenchTable.error(table, row);
  }
}
