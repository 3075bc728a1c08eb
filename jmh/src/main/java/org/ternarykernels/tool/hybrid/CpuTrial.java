package org.ternarykernels.tool.hybrid;

import java.util.ArrayList;
import java.util.List;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.tool.bench.Workload;
import org.ternarykernels.tool.bench.Workload.Operation;
import org.ternarykernels.tool.measure.Interleaved;
import org.ternarykernels.tool.measure.MedianInterval;
import org.ternarykernels.tool.onednn.Baseline;
import org.ternarykernels.tool.problem.Shape;
import org.ternarykernels.tool.problem.WeightCopies;
import org.ternarykernels.tool.problem.WeightCopies.State;
import org.ternarykernels.tool.rival.Rival;

/** The library beside oneDNN, in turns. */
final class CpuTrial implements Trial {
  private static final long SEED = 1;
  private static final long SLICE_NANOS = 4_000_000;

  private final TernaryRuntime runtime;
  private final int threads;
  private final TrialPlan plan;
  private final Baseline baseline;
  private WeightCopies weights;

  /**
   * @param threads of the runtime, and the most that oneDNN may have
   */
  CpuTrial(TernaryRuntime runtime, int threads, TrialPlan plan) {
    this.runtime = runtime;
    this.threads = threads;
    this.plan = plan;
    baseline = plan.measures(Side.DENSE) ? new Baseline(threads, false) : null;
  }

  @Override
  public Place measure(Shape shape, int m) {
    List<Rival> rivals = rivals(shape, m);
    if (!plan.measures(Side.TERNARY)) {
      return place(shape, m, null, null, rivals, time(rivals, null));
    }
    if (weights == null || !weights.shape().equals(shape)) {
      closeWeights();
      weights = new WeightCopies(shape, SEED, plan.layout(runtime, shape), plan.state());
    }
    Operation operation = plan.activation().isA8() ? Operation.LINEAR : Operation.LINEAR_A16;
    try (Workload workload = Workload.of(operation, plan.activation(), runtime, weights, m)) {
      String path = workload.path();
      String error = null;
      try {
        workload.check();
      } catch (IllegalStateException e) { // a wrong result; other places are still of interest
        error = e.getMessage();
      }
      return place(shape, m, path, error, rivals, time(rivals, workload));
    }
  }

  /** The ways of oneDNN: bf16, where the machine has it, and f32. */
  private List<Rival> rivals(Shape shape, int m) {
    if (baseline == null) {
      return List.of();
    }
    long bytes = plan.state() == State.STREAMING ? WeightCopies.streamingBytes() : 0;
    Baseline.Rivals ready = baseline.rivals(shape, SEED, m, bytes);
    return ready.best().equals(ready.f32())
        ? List.of(ready.best())
        : List.of(ready.best(), ready.f32());
  }

  /** Nanoseconds of each round: of the rivals that run, and behind them of the workload. */
  private List<double[]> time(List<Rival> rivals, Workload workload) {
    List<Interleaved.Contender> contenders = new ArrayList<>();
    rivals.stream().filter(Rival::present).forEach(rival -> contenders.add(rival.contender()));
    if (workload != null) {
      contenders.add(Interleaved.on(threads, Interleaved.of(workload::run)));
    }
    return contenders.isEmpty()
        ? List.of()
        : List.of(Interleaved.run(contenders, SLICE_NANOS, plan.nanos()));
  }

  private Place place(
      Shape shape, int m, String path, String error, List<Rival> rivals, List<double[]> nanos) {
    double[] ternary = path == null ? null : nanos.get(nanos.size() - 1);
    double[] dense = null;
    String densePath = plan.measures(Side.DENSE) ? null : "not measured";
    int next = 0;
    for (Rival rival : rivals) {
      double[] of = rival.present() ? nanos.get(next++) : null;
      if (of == null || rival.failure().get() != null) {
        densePath = dense == null ? "oneDNN: " + reason(rival) : densePath;
      } else if (dense == null || median(of) < median(dense)) {
        dense = of;
        densePath = "oneDNN " + rival.what() + ", threads " + rival.threads();
      }
    }
    return new Place(
        shape,
        m,
        ternary == null ? null : MedianInterval.of(ternary),
        dense == null ? null : MedianInterval.of(dense),
        ternary == null || dense == null ? null : MedianInterval.ofRatios(dense, ternary),
        null,
        path == null ? "not measured" : path,
        densePath,
        error);
  }

  private static String reason(Rival rival) {
    return rival.present() ? rival.failure().get() : rival.reason();
  }

  private static double median(double... nanos) {
    return MedianInterval.of(nanos).median();
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
    if (baseline != null) {
      baseline.close();
    }
  }
}
