package org.ternarykernels.tool.bench;

import java.util.Locale;
import org.ternarykernels.Activation;
import org.ternarykernels.Isa;
import org.ternarykernels.Layout;
import org.ternarykernels.tool.problem.Shape;
import org.ternarykernels.tool.problem.WeightCopies;

/**
 * One line of a benchmark.
 *
 * @param layout null for operations without weights
 * @param threads of the runtime
 * @param activation of the layer, or of the rows that are quantised
 * @param group columns that share an alpha; 0: alpha is of the whole matrix
 */
public record BenchCase(
    Workload.Operation operation,
    String model,
    Shape shape,
    int m,
    Layout layout,
    Isa isa,
    int threads,
    WeightCopies.State memory,
    Activation activation,
    int group) {

  /** With the operation's usual activation and an alpha of the whole matrix. */
  BenchCase(
      Workload.Operation operation,
      String model,
      Shape shape,
      int m,
      Layout layout,
      Isa isa,
      int threads,
      WeightCopies.State memory) {
    this(operation, model, shape, m, layout, isa, threads, memory, operation.activation(), 0);
  }

  /** Whether activations have scales by block, which those per token are put beside. */
  boolean hasBlocks() {
    return activation.block() > 0;
  }

  /** Shape file and name. */
  String shapeName() {
    return model + "/" + shape.name();
  }

  String layoutName() {
    return layout == null ? "-" : layout.name().toLowerCase(Locale.ROOT);
  }

  String memoryName() {
    return memory.name().toLowerCase(Locale.ROOT);
  }

  /** The operation, with its block and group where it has them. */
  String what() {
    return operation.id() + (hasBlocks() ? " " + activation : "") + (group > 0 ? " g" + group : "");
  }

  @Override
  public String toString() {
    return what()
        + " "
        + shapeName()
        + " M "
        + m
        + " "
        + layoutName()
        + " "
        + isa.id()
        + " "
        + memoryName();
  }
}
