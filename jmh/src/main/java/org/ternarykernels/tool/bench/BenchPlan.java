package org.ternarykernels.tool.bench;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.ternarykernels.Activation;
import org.ternarykernels.Isa;
import org.ternarykernels.Layout;
import org.ternarykernels.tool.bench.Workload.Operation;
import org.ternarykernels.tool.problem.Shape;
import org.ternarykernels.tool.problem.WeightCopies.State;

/**
 * What a benchmark measures, in an order that makes weights and baselines once: by shape, memory,
 * rows, then everything that shares them.
 *
 * @param shapes by shape file
 * @param activations of operations with int8 activations
 * @param group columns that share an alpha; 0: alpha is of the whole matrix
 */
public record BenchPlan(
    Map<String, List<Shape>> shapes,
    List<Integer> rows,
    List<Integer> threads,
    List<Isa> isas,
    List<Layout> layouts,
    List<Operation> operations,
    List<State> memory,
    List<Activation> activations,
    int group) {

  public static final List<Integer> ALL_ROWS = List.of(1, 2, 4, 8, 16, 32, 64, 128, 512);

  /** Those that kernels of this instruction set read: T3 has some for AVX2 alone. */
  private static List<Layout> layoutsOf(Isa isa) {
    return layoutsInUse().stream()
        .filter(layout -> layout != Layout.T3_TILED || isa == Isa.AVX2)
        .toList();
  }

  /** Every layout but the interchange one, which only the portable kernels read. */
  public static List<Layout> layoutsInUse() {
    return Arrays.stream(Layout.values()).filter(layout -> layout != Layout.I2S).toList();
  }

  public List<BenchCase> cases() {
    List<BenchCase> cases = new ArrayList<>();
    shapes.forEach(
        (model, list) -> {
          for (Shape shape : list) {
            for (State state : memory) {
              for (int m : rows) {
                addCases(cases, model, shape, m, state);
              }
            }
          }
        });
    return cases;
  }

  private void addCases(List<BenchCase> cases, String model, Shape shape, int m, State state) {
    for (int threadCount : threads) {
      for (Isa isa : isas) {
        for (Operation operation : operations) {
          for (Activation activation : activationsOf(operation)) {
            if (operation == Operation.QUANTISE_ACTIVATIONS) {
              if (state == State.RESIDENT
                  || !memory.contains(State.RESIDENT)) { // it has no weights that could stream
                cases.add(
                    new BenchCase(
                        operation,
                        model,
                        shape,
                        m,
                        null,
                        isa,
                        threadCount,
                        State.RESIDENT,
                        activation,
                        0));
              }
              continue;
            }
            for (Layout layout : layouts) {
              cases.add(
                  new BenchCase(
                      operation,
                      model,
                      shape,
                      m,
                      layout,
                      isa,
                      threadCount,
                      state,
                      activation,
                      group));
            }
          }
        }
      }
    }
  }

  private List<Activation> activationsOf(Operation operation) {
    return operation.activation().isA8() ? activations : List.of(operation.activation());
  }

  /**
   * A representative list for two minutes: a large and a small layer of the 2B model and the
   * smallest expert of the MoE, decode and prefill, in cache and from memory.
   */
  public static List<BenchCase> quick(Isa isa, int threads) {
    String model = "bitnet-2b-4t";
    Shape square = new Shape(2560, 2560, "o");
    Shape large = new Shape(13824, 2560, "gate_up");
    Shape expert = new Shape(2048, 768, "expert_down");
    List<BenchCase> cases = new ArrayList<>();
    add(cases, isa, threads, model, large, State.STREAMING, List.of(Operation.LINEAR), 1, 8);
    add(cases, isa, threads, model, square, State.STREAMING, List.of(Operation.LINEAR), 1);
    add(
        cases,
        isa,
        threads,
        model,
        square,
        State.RESIDENT,
        List.of(Operation.LINEAR),
        1,
        4,
        16,
        64,
        512);
    add(cases, isa, threads, "qwen3-30b-a3b", expert, State.RESIDENT, List.of(Operation.LINEAR), 1);
    Layout first = layoutsInUse().get(0);
    cases.add(
        new BenchCase(
            Operation.RMSNORM_LINEAR, model, square, 1, first, isa, threads, State.RESIDENT));
    cases.add(
        new BenchCase(Operation.LINEAR_A16, model, square, 1, first, isa, threads, State.RESIDENT));
    for (int m : List.of(1, 512)) {
      cases.add(
          new BenchCase(
              Operation.QUANTISE_ACTIVATIONS,
              model,
              square,
              m,
              null,
              isa,
              threads,
              State.RESIDENT));
    }
    if (threads > 1) {
      cases.add(new BenchCase(Operation.LINEAR, model, large, 1, first, isa, 1, State.STREAMING));
    }
    return cases;
  }

  private static void add(
      List<BenchCase> cases,
      Isa isa,
      int threads,
      String model,
      Shape shape,
      State state,
      List<Operation> operations,
      int... rows) {
    cases.addAll(
        new BenchPlan(
                Map.of(model, List.of(shape)),
                Arrays.stream(rows).boxed().toList(),
                List.of(threads),
                List.of(isa),
                layoutsOf(isa),
                operations,
                List.of(state),
                List.of(Activation.A8),
                0)
            .cases());
  }
}
