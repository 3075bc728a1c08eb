package org.ternarykernels.tool.bench;

import java.util.Locale;
import org.ternarykernels.Isa;
import org.ternarykernels.Layout;
import org.ternarykernels.tool.problem.Shape;

/**
 * One line of a benchmark.
 *
 * @param layout null for operations without weights
 * @param threads of the runtime
 */
public record BenchCase(
    Workload.Operation operation,
    String model,
    Shape shape,
    int m,
    Layout layout,
    Isa isa,
    int threads,
    WeightCopies.State memory) {

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

  @Override
  public String toString() {
    return operation.id()
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
