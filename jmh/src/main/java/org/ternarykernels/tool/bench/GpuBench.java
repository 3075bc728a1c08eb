package org.ternarykernels.tool.bench;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Predicate;
import java.util.function.ToIntFunction;
import org.ternarykernels.Activation;
import org.ternarykernels.Device;
import org.ternarykernels.Layout;
import org.ternarykernels.Prediction;
import org.ternarykernels.TernaryException;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.tool.bench.Workload.Operation;
import org.ternarykernels.tool.measure.DeviceClock;
import org.ternarykernels.tool.output.TextTable;
import org.ternarykernels.tool.problem.Shape;
import org.ternarykernels.tool.problem.WeightCopies.State;

/**
 * Products on a GPU, timed by its events, next to what the cost model expects; without a GPU the
 * expectation alone.
 */
public final class GpuBench {
  /** What is measured. */
  public record Plan(
      Map<String, List<Shape>> shapes,
      List<Integer> rows,
      List<Layout> layouts,
      List<Operation> operations,
      List<State> memory,
      List<Activation> activations,
      double seconds) {}

  public static final String FIELDS =
      "op, activation, shape, N, K, M, layout, memory, copies, path, rows_checked, ns, ns_low,"
          + " ns_high, rounds, gbps, predicted_ns, predicted_launch_ns, predicted_byte_ns,"
          + " predicted_instruction_ns, predicted_kernel, predicted_splits, predicted_for, or"
          + " error";
  public static final Map<String, List<Shape>> QUICK =
      Map.of(
          "bitnet-2b-4t", List.of(new Shape(13824, 2560, "gate_up"), new Shape(2560, 2560, "o")));
  public static final List<Integer> QUICK_ROWS = List.of(1, 2, 8, 64);

  private static final List<String> MODELS =
      List.of("A100", "H100", "H200", "B200", "B300", "RTX 5090");
  private static final int MOST_COLUMNS_OF_NAME = 26;

  private final TextTable table;
  private final Plan plan;
  private final Map<String, Object> json = new LinkedHashMap<>();
  private boolean failed;

  public GpuBench(TextTable table, Plan plan) {
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
    return cases().stream().map(GpuCase::begin).toList();
  }

  /**
   * @param sink without a GPU it gets nothing: the cost model's rows are in {@link #json}
   * @return the exit code
   */
  public int run(String device, RowSink sink) {
    return onGpu(device, table, json, runtime -> measure(runtime, sink), this::withoutGpu);
  }

  /**
   * Opens a GPU and says which it is, to people and in the JSON.
   *
   * @param measure tells whether all results were right
   * @param otherwise is told why there is no GPU, and gives the exit code
   * @return the exit code
   */
  static int onGpu(
      String device,
      TextTable table,
      Map<String, Object> json,
      Predicate<TernaryRuntime> measure,
      ToIntFunction<String> otherwise) {
    json.put("device", device);
    try (TernaryRuntime runtime = TernaryRuntime.builder().device(device).build()) {
      Device gpu = runtime.device();
      if (!gpu.isCuda()) {
        return otherwise.applyAsInt(gpu.reason());
      }
      json.put("gpu", gpu.name());
      table.note(
          gpu.name()
              + ", compute capability "
              + gpu.capability()
              + ", kernels of "
              + gpu.library());
      if (!DeviceClock.tellsTime(gpu)) {
        table.note(DeviceClock.NO_TIMES);
      }
      boolean right = measure.test(runtime);
      json.put("complete", true);
      return right ? 0 : 1;
    } catch (TernaryException e) {
      if (json.containsKey("gpu")) {
        throw e; // it was there
      }
      return otherwise.applyAsInt(e.getMessage());
    }
  }

  private boolean measure(TernaryRuntime runtime, RowSink sink) {
    table.note(
        "us: median +- half of its 95 % interval, by the GPU's clock, calls of one graph back to"
            + " back; f16 in and out. model: what the cost model expects, its byte and instruction"
            + " times. of model: us / model us.");
    List<GpuCase> cases = cases();
    columns(cases)
        .right("us", 8)
        .right("+-", 6)
        .right("model us", 8)
        .right("of model", 8)
        .right("GB/s", 5)
        .left("memory", 9)
        .right("byte us", 8)
        .right("instr us", 8)
        .left("path", 40)
        .head();
    for (GpuCase of : cases) {
      Map<String, Object> begun = of.begin();
      sink.next(of.label() + " M " + of.m());
      Map<String, Object> row = sink.finished(begun);
      row = row == null ? measure(runtime, of, begun) : row;
      failed |= row.containsKey("error");
      line(of, row);
      sink.add(row);
    }
    table.end();
    return !failed;
  }

  private Map<String, Object> measure(TernaryRuntime runtime, GpuCase of, Map<String, Object> row) {
    try (GpuTrial trial =
        new GpuTrial(
            runtime,
            of.shape(),
            of.operation(),
            of.activation(),
            of.layout(),
            of.m(),
            of.memory())) {
      predict(row, runtime, null, of);
      trial.measure(row, plan.seconds());
    } catch (IllegalStateException e) { // a wrong result; the others are still of interest
      row.put("error", e.getMessage());
    }
    return row;
  }

  private int withoutGpu(String reason) {
    table.note("No GPU was measured: " + reason);
    table.note("What the cost model expects of others (us; f16 in and out):");
    List<GpuCase> products =
        cases().stream()
            .filter(
                of -> of.operation() == Operation.LINEAR || of.operation() == Operation.LINEAR_A16)
            .toList();
    columns(products)
        .left("GPU", 8)
        .right("model us", 8)
        .right("byte us", 8)
        .right("instr us", 8)
        .left("memory", 9)
        .left("kernel", 40)
        .head();
    List<Map<String, Object>> rows = new ArrayList<>();
    try (TernaryRuntime runtime = TernaryRuntime.builder().device("cpu").build()) {
      for (String device : MODELS) {
        for (GpuCase of : products) {
          Map<String, Object> row = of.begin();
          predict(row, runtime, device, of);
          rows.add(row);
          table.row(
              of.label(),
              of.m(),
              row.get("layout"),
              device,
              micros(row.get("predicted_ns")),
              micros(row.get("predicted_byte_ns")),
              micros(row.get("predicted_instruction_ns")),
              row.get("memory"),
              row.get("predicted_kernel"));
        }
      }
    }
    table.end();
    json.put("rows", rows);
    return 1;
  }

  private List<GpuCase> cases() {
    List<GpuCase> cases = new ArrayList<>();
    plan.shapes()
        .forEach(
            (model, shapes) ->
                shapes.forEach(
                    shape -> plan.memory().forEach(memory -> add(cases, model, shape, memory))));
    return cases;
  }

  private void add(List<GpuCase> cases, String model, Shape shape, State memory) {
    for (Operation operation : plan.operations()) {
      List<Activation> activations =
          operation.activation().isA8() ? plan.activations() : List.of(operation.activation());
      for (Layout layout : plan.layouts()) {
        for (int m : plan.rows()) {
          for (Activation activation : activations) {
            cases.add(new GpuCase(model, shape, operation, activation, layout, m, memory));
          }
        }
      }
    }
  }

  private static void predict(
      Map<String, Object> row, TernaryRuntime runtime, String device, GpuCase of) {
    if (of.operation() == Operation.QUANTISE_ACTIVATIONS) {
      return; // the model is of products
    }
    Prediction expected =
        runtime.predict(
            device, of.layout(), of.activation(), of.m(), of.shape().n(), of.shape().k());
    row.put("predicted_ns", expected.micros() * 1e3);
    row.put("predicted_launch_ns", expected.launchMicros() * 1e3);
    row.put("predicted_byte_ns", expected.byteMicros() * 1e3);
    row.put("predicted_instruction_ns", expected.instructionMicros() * 1e3);
    row.put("predicted_kernel", expected.kernel());
    row.put("predicted_splits", expected.splits());
    row.put("predicted_for", expected.device());
  }

  /** Those that say what a row is of. */
  private TextTable columns(List<GpuCase> cases) {
    int name = cases.stream().mapToInt(of -> of.label().length()).max().orElse(0);
    return table
        .left("op, shape", Math.min(name, MOST_COLUMNS_OF_NAME))
        .right("M", 3)
        .left("layout", 9);
  }

  private void line(GpuCase of, Map<String, Object> row) {
    Object ns = row.get("ns");
    Object expected = row.get("predicted_ns");
    table.row(
        of.label(),
        of.m(),
        row.get("layout"),
        micros(ns),
        halfInterval(row),
        micros(expected),
        ns == null || expected == null
            ? null
            : String.format(Locale.ROOT, "%.2fx", number(ns) / number(expected)),
        BenchTable.number("%.0f", row.get("gbps"), 1),
        row.get("memory"),
        micros(row.get("predicted_byte_ns")),
        micros(row.get("predicted_instruction_ns")),
        row.get("path"));
    BenchTable.error(table, row);
  }

  private static double number(Object value) {
    return ((Number) value).doubleValue();
  }

  static String micros(Object nanos) {
    return BenchTable.number("%.2f", nanos, 1e-3);
  }

  /** Of the time of a row. */
  static String halfInterval(Map<String, Object> row) {
    return row.get("ns") == null
        ? null
        : micros((number(row.get("ns_high")) - number(row.get("ns_low"))) / 2);
  }
}
