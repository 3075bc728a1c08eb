package org.ternarykernels.tool.hybrid;

import java.util.ArrayList;
import java.util.List;
import org.ternarykernels.DataType;
import org.ternarykernels.Oracle;
import org.ternarykernels.TernaryBuffer;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.TernaryWeights;
import org.ternarykernels.tool.measure.DeviceClock;
import org.ternarykernels.tool.measure.Interleaved;
import org.ternarykernels.tool.measure.MedianInterval;
import org.ternarykernels.tool.problem.RandomProblem;
import org.ternarykernels.tool.problem.Shape;
import org.ternarykernels.tool.problem.WeightCopies;
import org.ternarykernels.tool.problem.WeightCopies.State;

/**
 * The library's ternary kernels beside its own dense one, by the GPU's clock. Both have the bits of
 * the oracle, or the place has an error.
 */
final class CudaTrial implements Trial {
  private static final long SEED = 1;

  private final TernaryRuntime ternary;
  private final TernaryRuntime dense;
  private final TrialPlan plan;
  private final boolean timed;
  private WeightCopies weights;

  /**
   * @param ternary a runtime whose ternary kernels serve every M
   * @param dense one whose dense kernel serves all but single rows
   */
  CudaTrial(TernaryRuntime ternary, TernaryRuntime dense, TrialPlan plan) {
    this.ternary = ternary;
    this.dense = dense;
    this.plan = plan;
    timed = DeviceClock.tellsTime(ternary.device());
  }

  /** One side of a place, ready. */
  private record Ready(GpuCalls calls, String path) {}

  @Override
  public Place measure(Shape shape, int m) {
    copies(shape);
    TernaryBuffer rows = new RandomProblem(SEED + 1).activations(DataType.F16, m, shape.k());
    List<TernaryWeights> all = weights.copies();
    long denseBytes = (long) shape.n() * shape.k(); // a weight has at least one byte there
    int few = (int) Math.min(all.size(), 1 + WeightCopies.GPU_STREAMING_BYTES / denseBytes);
    boolean both = m > 1 && plan.measures(Side.DENSE);
    try (GpuCalls ours =
            plan.measures(Side.TERNARY)
                ? new GpuCalls(ternary, all, plan.activation(), rows, m)
                : null;
        GpuCalls theirs =
            both ? new GpuCalls(dense, all.subList(0, few), plan.activation(), rows, m) : null) {
      Ready one = ours == null ? null : new Ready(ours, ours.path());
      Ready other = theirs == null ? null : new Ready(theirs, theirs.path());
      if (other != null && !other.path.contains("dense")) {
        return place(shape, rows, m, one, "the dense kernel did not serve: " + other.path, null);
      }
      String absent =
          plan.measures(Side.DENSE)
              ? "TERNARY_PREFILL_SKIP_M sends no single row to the dense kernel"
              : "not measured";
      return place(shape, rows, m, one, other == null ? absent : other.path, other);
    }
  }

  private void copies(Shape shape) {
    if (weights != null && weights.shape().equals(shape)) {
      return;
    }
    closeWeights();
    long bytes = plan.state() == State.STREAMING && timed ? WeightCopies.GPU_STREAMING_BYTES : 1;
    weights = new WeightCopies(shape, SEED, plan.layout(ternary, shape), bytes);
  }

  /** What is wrong with the results; null if nothing is. */
  private String error(Ready one, Ready other, TernaryBuffer rows, int m) {
    TernaryWeights first = weights.copies().get(0);
    int n = (int) first.n();
    int k = (int) first.k();
    TernaryBuffer expected = TernaryBuffer.allocate(DataType.F16, n);
    Oracle.linear(
        first, plan.activation(), null, rows.slice((long) (m - 1) * k, k), k, null, expected, n, 1);
    TernaryBuffer before = null;
    for (Ready side : new Ready[] {one, other}) {
      if (side == null) {
        continue;
      }
      TernaryBuffer y = side.calls.result();
      if (!same(y.slice((long) (m - 1) * n, n), expected)) {
        return side.path + ": the last row differs from the oracle's";
      }
      if (before != null && !same(y, before)) {
        return side.path + " has other bits than " + one.path;
      }
      before = y;
    }
    return null;
  }

  private static boolean same(TernaryBuffer a, TernaryBuffer b) {
    return a.asByteBuffer().equals(b.asByteBuffer());
  }

  private Place place(
      Shape shape, TernaryBuffer rows, int m, Ready one, String densePath, Ready other) {
    List<Interleaved.Contender> contenders = new ArrayList<>();
    if (one != null) {
      contenders.add(one.calls.graph());
    }
    if (other != null) {
      contenders.add(other.calls.graph());
    }
    double[][] nanos = {null, null};
    if (timed && !contenders.isEmpty()) {
      double[][] measured = Interleaved.run(contenders, 0, plan.nanos());
      nanos[0] = one == null ? null : measured[0];
      nanos[1] = other == null ? null : measured[measured.length - 1];
    } else {
      contenders.forEach(graph -> graph.slice(0)); // runs, and tells no time
    }
    return new Place(
        shape,
        m,
        nanos[0] == null ? null : MedianInterval.of(nanos[0]),
        nanos[1] == null ? null : MedianInterval.of(nanos[1]),
        nanos[0] == null || nanos[1] == null ? null : MedianInterval.ofRatios(nanos[1], nanos[0]),
        expected(shape, m),
        one == null ? "not measured" : one.path,
        densePath,
        error(one, other, rows, m));
  }

  private double expected(Shape shape, int m) {
    return 1e3
        * ternary
            .predict(null, plan.layout(ternary, shape), plan.activation(), m, shape.n(), shape.k())
            .micros();
  }

  private void closeWeights() {
    if (weights != null) {
      weights.close();
      weights = null;
    }
  }

  @Override
  public void close() {
    closeWeights();
    dense.close();
  }
}
