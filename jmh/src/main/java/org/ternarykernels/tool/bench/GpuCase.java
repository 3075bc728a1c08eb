package org.ternarykernels.tool.bench;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.ternarykernels.Activation;
import org.ternarykernels.Layout;
import org.ternarykernels.tool.bench.Workload.Operation;
import org.ternarykernels.tool.problem.Shape;
import org.ternarykernels.tool.problem.WeightCopies.State;

/** A product that is timed on a GPU. */
record GpuCase(
    String model,
    Shape shape,
    Operation operation,
    Activation activation,
    Layout layout,
    int m,
    State memory) {

  Map<String, Object> begin() {
    Map<String, Object> row = new LinkedHashMap<>();
    row.put("op", operation.id());
    row.put("activation", activation.toString());
    row.put("shape", model + "/" + shape.name());
    row.put("N", shape.n());
    row.put("K", shape.k());
    row.put("M", m);
    row.put("layout", layout.name().toLowerCase(Locale.ROOT));
    row.put("memory", memory.name().toLowerCase(Locale.ROOT));
    return row;
  }

  /** For example {@code linear gate_up}. */
  String label() {
    String blocks = activation.block() > 0 ? " " + activation : "";
    return operation.id() + blocks + " " + shape.name();
  }
}
