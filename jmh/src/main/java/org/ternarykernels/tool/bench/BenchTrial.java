package org.ternarykernels.tool.bench;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.ternarykernels.Activation;
import org.ternarykernels.Isa;
import org.ternarykernels.Layout;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.tool.bench.Workload.Operation;
import org.ternarykernels.tool.measure.Interleaved;
import org.ternarykernels.tool.measure.Machine;
import org.ternarykernels.tool.measure.MachineLimit;
import org.ternarykernels.tool.onednn.Baseline;
import org.ternarykernels.tool.onednn.Baseline.Rivals;
import org.ternarykernels.tool.peer.PeerProblem;
import org.ternarykernels.tool.peer.Peers;
import org.ternarykernels.tool.problem.Shape;
import org.ternarykernels.tool.problem.WeightCopies;
import org.ternarykernels.tool.problem.WeightCopies.State;
import org.ternarykernels.tool.rival.Rival;

/**
 * Measures one case after the other; weights, runtimes and baselines that the next case shares are
 * kept.
 */
public final class BenchTrial implements AutoCloseable {
  private static final long SEED = 1;

  /** Beyond, a call of the portable kernel takes a second or so, and seven of them too long. */
  private static final double MOST_PORTABLE_PRODUCTS = 3e8;

  private record RuntimeKey(Isa isa, int threads) {}

  private final Baseline baseline;
  private final Peers peers;
  private final MachineLimit limits;
  private final long sliceNanos;
  private final long budgetNanos;
  private final Map<RuntimeKey, TernaryRuntime> runtimes = new LinkedHashMap<>();
  private final Map<Layout, WeightCopies> kept = new EnumMap<>(Layout.class);
  private Shape keptShape;
  private State keptState;
  private int keptGroup;

  /**
   * @param budgetNanos for each case, apart from preparation
   */
  public BenchTrial(
      Machine machine, Baseline baseline, Peers peers, long sliceNanos, long budgetNanos) {
    this.baseline = baseline;
    this.peers = peers;
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
    try (Workload workload =
        Workload.of(of.operation(), of.activation(), runtime, weights, of.m())) {
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
    double operations = workload.operations();
    long bytes = workload.bytes();
    List<MachineLimit.Bound> bounds =
        limits.of(
            runtime,
            of.isa(),
            of.threads(),
            bytes,
            product ? weights.totalBytes() : bytes,
            of.operation() == Operation.LINEAR_A16 ? 0 : operations);
    try (CaseRivals rivals = new CaseRivals()) {
      if (product) {
        addBaselines(rivals, of);
        addPeers(rivals, of);
        addOwn(rivals, of, weights);
      }
      if (of.hasBlocks()) {
        rivals.add(
            "a8",
            "a scale a token" + CaseRivals.on(of.threads()),
            of.threads(),
            Workload.of(of.operation(), Activation.A8, runtime, weights, of.m()));
      }
      List<Interleaved.Contender> contenders = new ArrayList<>();
      contenders.add(Interleaved.on(of.threads(), Interleaved.of(workload::run)));
      bounds.forEach(bound -> contenders.add(bound.contender()));
      contenders.addAll(rivals.contenders());
      List<double[]> nanos = Arrays.asList(Interleaved.run(contenders, sliceNanos, budgetNanos));
      double[] ours = nanos.get(0);
      row.fields().time(ours, bytes, product ? operations : null);
      row.fields().limit(bounds, nanos, ours);
      if (product || of.hasBlocks()) {
        rivals.report(row.fields(), nanos.subList(1 + bounds.size(), nanos.size()), ours);
      }
    }
  }

  private static long weightBytes(BenchCase of) {
    return of.memory() == State.STREAMING ? WeightCopies.streamingBytes() : 0;
  }

  private void addBaselines(CaseRivals rivals, BenchCase of) {
    Rivals ready = baseline.rivals(of.shape(), SEED, of.m(), weightBytes(of));
    rivals.add("bf16", ready.best());
    rivals.add("f32", ready.f32());
    rivals.add("int8", ready.int8());
  }

  private void addPeers(CaseRivals rivals, BenchCase of) {
    if (of.operation() != Operation.LINEAR) {
      Rival none = Rival.missing("a peer computes linear alone");
      peers.names().forEach(name -> rivals.addPeer(name, none));
      return;
    }
    if (of.group() > 0) {
      Rival none = Rival.missing("a peer is given one alpha alone");
      peers.names().forEach(name -> rivals.addPeer(name, none));
      return;
    }
    peers
        .rivals(
            new PeerProblem(of.shape(), SEED, of.m(), Workload.ROW_SEED, weightBytes(of)),
            of.threads())
        .forEach(rivals::addPeer);
  }

  /** The portable kernel, and for the fused operation the product alone. */
  private void addOwn(CaseRivals rivals, BenchCase of, WeightCopies weights) {
    int threads = of.threads();
    if (of.operation() == Operation.RMSNORM_LINEAR) {
      rivals.add(
          "linear",
          "linear of the same weights",
          threads,
          Workload.of(
              Operation.LINEAR, of.activation(), runtime(of.isa(), threads), weights, of.m()));
    }
    if ((double) of.m() * of.shape().n() * of.shape().k() > MOST_PORTABLE_PRODUCTS) {
      rivals.add(
          "portable",
          Rival.missing(
              "not timed above " + (long) MOST_PORTABLE_PRODUCTS + " multiply-adds a call"));
      return;
    }
    rivals.add(
        "portable",
        "portable" + CaseRivals.on(threads),
        threads,
        Workload.of(
            of.operation(), of.activation(), runtime(Isa.PORTABLE, threads), weights, of.m()));
  }

  /** The weights of a case; those of cases before it that it does not share are freed. */
  private WeightCopies weights(BenchCase of) {
    Layout layout = of.layout() == null ? BenchPlan.layoutsInUse().get(0) : of.layout();
    if (!of.shape().equals(keptShape) || of.memory() != keptState || of.group() != keptGroup) {
      forget();
      keptGroup = of.group();
      keptShape = of.shape();
      keptState = of.memory();
    }
    return kept.computeIfAbsent(
        layout, wanted -> new WeightCopies(of.shape(), SEED, wanted, of.memory(), of.group()));
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
