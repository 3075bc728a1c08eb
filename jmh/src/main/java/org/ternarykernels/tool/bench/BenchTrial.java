package org.ternarykernels.tool.bench;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.ternarykernels.Isa;
import org.ternarykernels.Layout;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.tool.bench.WeightCopies.State;
import org.ternarykernels.tool.bench.Workload.Operation;
import org.ternarykernels.tool.measure.Interleaved;
import org.ternarykernels.tool.measure.Machine;
import org.ternarykernels.tool.measure.MachineLimit;
import org.ternarykernels.tool.measure.MedianInterval;
import org.ternarykernels.tool.onednn.Baseline;
import org.ternarykernels.tool.onednn.Baseline.Rival;
import org.ternarykernels.tool.onednn.Baseline.Rivals;
import org.ternarykernels.tool.problem.Shape;

/**
 * Measures one case after the other; weights, runtimes and baselines that the next case shares are
 * kept.
 */
public final class BenchTrial implements AutoCloseable {
  private static final long SEED = 1;

  /** Beyond, a call of the portable kernel takes a second or so, and seven of them too long. */
  private static final double MOST_PORTABLE_PRODUCTS = 3e8;

  private record RuntimeKey(Isa isa, int threads) {}

  /** Name, what ran, and the one that runs; null: why not is in `what`. */
  private record Named(String name, String what, Interleaved.Contender contender) {}

  private final Baseline baseline;
  private final MachineLimit limits;
  private final long sliceNanos;
  private final long budgetNanos;
  private final Map<RuntimeKey, TernaryRuntime> runtimes = new LinkedHashMap<>();
  private final Map<Layout, WeightCopies> kept = new EnumMap<>(Layout.class);
  private Shape keptShape;
  private State keptState;

  /**
   * @param budgetNanos for each case, apart from preparation
   */
  public BenchTrial(Machine machine, Baseline baseline, long sliceNanos, long budgetNanos) {
    this.baseline = baseline;
    this.sliceNanos = sliceNanos;
    this.budgetNanos = budgetNanos;
    limits = new MachineLimit(machine);
  }

  /** The runtime of an instruction set and a number of threads. */
  TernaryRuntime runtime(Isa isa, int threads) {
    return runtimes.computeIfAbsent(
        new RuntimeKey(isa, threads),
        key -> TernaryRuntime.builder().maxIsa(isa).threads(threads).build());
  }

  /**
   * Checks and times a case.
   *
   * @throws IllegalStateException if its result differs from the oracle's
   */
  public BenchRow run(BenchCase of) {
    BenchRow row = BenchRow.begin(of);
    TernaryRuntime runtime = runtime(of.isa(), of.threads());
    WeightCopies weights = weights(of);
    try (Workload workload = Workload.of(of.operation(), runtime, weights, of.m())) {
      int checked = workload.check();
      row.put("path", workload.path());
      row.put("copies", weights.copies().size());
      row.put("copies_complete", weights.fullySpread());
      row.put("rows_checked", checked);
      time(row, workload, weights, runtime);
    }
    return row;
  }

  private void time(BenchRow row, Workload workload, WeightCopies weights, TernaryRuntime runtime) {
    BenchCase of = row.of();
    boolean product = of.operation() != Operation.QUANTISE_ACTIVATIONS;
    double operations = product ? 2.0 * of.m() * of.shape().n() * of.shape().k() : 0;
    long bytes = workload.bytes();
    List<MachineLimit.Bound> bounds =
        limits.of(
            runtime,
            of.isa(),
            of.threads(),
            bytes,
            product ? weights.totalBytes() : bytes,
            of.operation() == Operation.LINEAR_A16 ? 0 : operations);
    List<Named> rivals = new ArrayList<>();
    List<AutoCloseable> closing = new ArrayList<>();
    if (product) {
      addBaselines(rivals, of);
      addOwn(rivals, closing, of, weights);
    }
    List<Interleaved.Contender> contenders =
        new ArrayList<>(List.of(Interleaved.of(workload::run)));
    bounds.forEach(bound -> contenders.add(bound.contender()));
    rivals.stream()
        .filter(rival -> rival.contender != null)
        .forEach(rival -> contenders.add(rival.contender));
    double[][] nanos = Interleaved.run(contenders, sliceNanos, budgetNanos);
    closing.forEach(BenchTrial::close);
    row.time(nanos[0], bytes, product ? operations : null);
    int limit = 1; // the bound that takes longest
    for (int i = 2; i <= bounds.size(); i++) {
      limit =
          MedianInterval.of(nanos[i]).median() > MedianInterval.of(nanos[limit]).median()
              ? i
              : limit;
    }
    row.limit(bounds.get(limit - 1).name(), nanos[limit], nanos[0]);
    int next = 1 + bounds.size();
    for (Named rival : rivals) {
      double[] samples = rival.contender == null ? null : nanos[next++];
      boolean died = samples != null && Double.isNaN(samples[samples.length - 1]);
      row.rival(
          rival.name, died ? baseline.failure() : rival.what, died ? null : samples, nanos[0]);
    }
  }

  private void addBaselines(List<Named> rivals, BenchCase of) {
    long bytes = of.memory() == State.STREAMING ? WeightCopies.streamingBytes() : 0;
    Rivals ready = baseline.rivals(of.shape(), SEED, of.m(), bytes);
    rivals.add(named("bf16", ready.best()));
    rivals.add(named("f32", ready.f32()));
    rivals.add(named("int8", ready.int8()));
  }

  private static Named named(String name, Rival rival) {
    return new Named(
        name,
        rival.present() ? rival.types() + on(rival.threads()) : rival.reason(),
        rival.contender());
  }

  private static String on(int threads) {
    return ", " + threads + (threads == 1 ? " thread" : " threads");
  }

  /** The portable kernel, and for the fused operation the product alone. */
  private void addOwn(
      List<Named> rivals, List<AutoCloseable> closing, BenchCase of, WeightCopies weights) {
    if (of.operation() == Operation.RMSNORM_LINEAR) {
      Workload linear =
          Workload.of(Operation.LINEAR, runtime(of.isa(), of.threads()), weights, of.m());
      closing.add(linear);
      rivals.add(new Named("linear", "linear of the same weights", Interleaved.of(linear::run)));
    }
    if ((double) of.m() * of.shape().n() * of.shape().k() > MOST_PORTABLE_PRODUCTS) {
      rivals.add(
          new Named(
              "portable",
              "not timed above " + (long) MOST_PORTABLE_PRODUCTS + " multiply-adds a call",
              null));
      return;
    }
    Workload portable =
        Workload.of(of.operation(), runtime(Isa.PORTABLE, of.threads()), weights, of.m());
    closing.add(portable);
    rivals.add(new Named("portable", "portable" + on(of.threads()), Interleaved.of(portable::run)));
  }

  private static void close(AutoCloseable resource) {
    try {
      resource.close();
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  /** The weights of a case; those of cases before it that it does not share are freed. */
  private WeightCopies weights(BenchCase of) {
    Layout layout = of.layout() == null ? BenchPlan.layoutsInUse().get(0) : of.layout();
    if (!of.shape().equals(keptShape) || of.memory() != keptState) {
      forget();
      keptShape = of.shape();
      keptState = of.memory();
    }
    return kept.computeIfAbsent(
        layout, wanted -> new WeightCopies(of.shape(), SEED, wanted, of.memory()));
  }

  private void forget() {
    kept.values().forEach(WeightCopies::close);
    kept.clear();
  }

  @Override
  public void close() {
    forget();
    runtimes.values().forEach(TernaryRuntime::close);
  }
}
