package org.ternarykernels.tool.bench;

import java.io.PrintWriter;
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
  private static final String FORMAT = "%-34s %4s %-10s %-9s %10s %8s %8s %10s %8s %8s %8s  %s%n";

  private final PrintWriter out;
  private final Plan plan;
  private final Map<String, Object> json = new LinkedHashMap<>();
  private final List<Map<String, Object>> rows = new ArrayList<>();
  private boolean failed;

  public GpuBench(PrintWriter out, Plan plan) {
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
    return onGpu(device, out, json, this::measure, this::withoutGpu);
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
      PrintWriter out,
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
      out.println(
          gpu.name()
              + ", compute capability "
              + gpu.capability()
              + ", kernels of "
              + gpu.library());
      if (!DeviceClock.tellsTime(gpu)) {
        out.println(DeviceClock.NO_TIMES);
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

  private boolean measure(TernaryRuntime runtime) {
    out.println(
        "us: median +- half of its 95 % interval, by the GPU's clock, calls of one graph back to"
            + " back; f16 in and out. model: what the cost model expects, its byte and instruction"
            + " times.");
    head();
    forEach(
        (of, model) -> {
          Map<String, Object> row = begin(of, model);
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
            failed = true;
          }
          line(row);
        });
    return !failed;
  }

  private int withoutGpu(String reason) {
    out.println("No GPU was measured: " + reason);
    out.println("What the cost model expects of others (us; f16 in and out):");
    head();
    try (TernaryRuntime runtime = TernaryRuntime.builder().device("cpu").build()) {
      for (String device : MODELS) {
        forEach(
            (of, model) -> {
              if (of.operation() == Operation.LINEAR || of.operation() == Operation.LINEAR_A16) {
                Map<String, Object> row = begin(of, model);
                predict(row, runtime, device, of);
                line(row);
              }
            });
      }
    }
    out.flush();
    return 1;
  }

  /** One product. */
  private record Case(
      Shape shape,
      Operation operation,
      Activation activation,
      Layout layout,
      int m,
      State memory) {}

  /** Receives cases. */
  private interface Visitor {
    void visit(Case of, String model);
  }

  private void forEach(Visitor visitor) {
    plan.shapes()
        .forEach(
            (model, shapes) ->
                shapes.forEach(
                    shape -> {
                      for (State memory : plan.memory()) {
                        for (Operation operation : plan.operations()) {
                          for (Layout layout : plan.layouts()) {
                            plan.rows()
                                .forEach(
                                    m ->
                                        visit(visitor, shape, operation, layout, m, memory, model));
                          }
                        }
                      }
                    }));
  }

  private void visit(
      Visitor visitor,
      Shape shape,
      Operation operation,
      Layout layout,
      int m,
      State memory,
      String model) {
    List<Activation> activations =
        operation.activation().isA8() ? plan.activations() : List.of(operation.activation());
    activations.forEach(
        activation ->
            visitor.visit(new Case(shape, operation, activation, layout, m, memory), model));
  }

  private Map<String, Object> begin(Case of, String model) {
    Map<String, Object> row = new LinkedHashMap<>();
    row.put("op", of.operation().id());
    row.put("activation", of.activation().toString());
    row.put("shape", model + "/" + of.shape().name());
    row.put("N", of.shape().n());
    row.put("K", of.shape().k());
    row.put("M", of.m());
    row.put("layout", of.layout().name().toLowerCase(Locale.ROOT));
    row.put("memory", of.memory().name().toLowerCase(Locale.ROOT));
    rows.add(row);
    return row;
  }

  private static void predict(
      Map<String, Object> row, TernaryRuntime runtime, String device, Case of) {
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

  private void head() {
    out.printf(
        FORMAT,
        "op, shape (N x K)",
        "M",
        "layout",
        "memory",
        "us",
        "+-",
        "GB/s",
        "model us",
        "byte us",
        "instr us",
        "measured",
        "path, or the kernel that the model chooses for a device");
    out.flush();
  }

  private void line(Map<String, Object> row) {
    String shape =
        row.get("op")
            + " "
            + row.get("shape").toString().replaceFirst(".*/", "")
            + " ("
            + row.get("N")
            + " x "
            + row.get("K")
            + ")";
    Double ns = (Double) row.get("ns");
    Double expected = (Double) row.get("predicted_ns");
    Object path =
        row.getOrDefault(
            "error",
            row.getOrDefault(
                "path", row.get("predicted_kernel") + " on " + row.get("predicted_for")));
    out.printf(
        Locale.ROOT,
        FORMAT,
        shape,
        row.get("M"),
        row.get("layout"),
        row.get("memory"),
        micros(ns),
        ns == null ? "-" : micros(((Double) row.get("ns_high") - (Double) row.get("ns_low")) / 2),
        row.get("gbps") == null
            ? "-"
            : String.format(Locale.ROOT, "%.0f", (Double) row.get("gbps")),
        micros(expected),
        micros((Double) row.get("predicted_byte_ns")),
        micros((Double) row.get("predicted_instruction_ns")),
        ns == null || expected == null ? "-" : String.format(Locale.ROOT, "%.2fx", ns / expected),
        path);
    out.flush();
  }

  static String micros(Double nanos) {
    return nanos == null ? "-" : String.format(Locale.ROOT, "%.2f", nanos / 1e3);
  }
}
