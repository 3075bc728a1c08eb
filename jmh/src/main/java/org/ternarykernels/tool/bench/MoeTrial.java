package org.ternarykernels.tool.bench;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.ternarykernels.Isa;
import org.ternarykernels.Layout;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.tool.measure.Interleaved;
import org.ternarykernels.tool.measure.Machine;
import org.ternarykernels.tool.measure.MachineLimit;
import org.ternarykernels.tool.problem.ExpertCopies;
import org.ternarykernels.tool.problem.MoeShape;
import org.ternarykernels.tool.problem.WeightCopies;
import org.ternarykernels.tool.problem.WeightCopies.State;

/** Measures one case of a layer of experts after the other; weights that they share are kept. */
final class MoeTrial implements AutoCloseable {
  private static final long SEED = 1;

  private record RuntimeKey(Isa isa, int threads) {}

  private record WeightKey(MoeShape shape, Layout layout, State memory) {}

  private final MachineLimit limits;
  private final DenseExperts dense;
  private final long sliceNanos;
  private final long budgetNanos;
  private final Map<RuntimeKey, TernaryRuntime> runtimes = new LinkedHashMap<>();
  private WeightKey key;
  private ExpertCopies weights;

  /**
   * @param threads the most of a case
   * @param budgetNanos for each case, apart from preparation
   */
  MoeTrial(Machine machine, int threads, long sliceNanos, long budgetNanos) {
    limits = new MachineLimit(machine);
    dense = new DenseExperts(threads);
    this.sliceNanos = sliceNanos;
    this.budgetNanos = budgetNanos;
  }

  /**
   * Checks and times a case.
   *
   * @throws IllegalStateException if its result differs from the oracle's
   */
  void run(MoePlan.Case of, RowFields row) {
    TernaryRuntime runtime =
        runtimes.computeIfAbsent(
            new RuntimeKey(of.isa(), of.threads()),
            wanted -> TernaryRuntime.builder().maxIsa(wanted.isa).threads(wanted.threads).build());
    ExpertCopies copies = weights(new WeightKey(of.shape(), of.layout(), of.memory()));
    ExpertRounds rounds =
        new ExpertRounds(
            of.choice().ids(SEED, of.m(), of.shape()),
            of.shape().experts(),
            of.memory() == State.STREAMING,
            SEED);
    row.put("active", rounds.active());
    row.put("most_rows", Arrays.stream(rounds.rows()).max().orElseThrow());
    row.put("copies", copies.copies().size());
    row.put("copies_complete", copies.fullySpread());
    try (MoeWorkload ours = new MoeWorkload(runtime, copies, of.activation(), rounds, of.m());
        GatheredLinear linear = new GatheredLinear(runtime, copies, of.activation(), rounds);
        CaseRivals rivals = new CaseRivals()) {
      row.put("rows_checked", ours.check());
      row.put("path", ours.path());
      rivals.add(
          "linear",
          "linear of each expert on gathered rows" + CaseRivals.on(of.threads()),
          of.threads(),
          linear::run);
      long spread = of.memory() == State.STREAMING ? WeightCopies.streamingBytes() : 0;
      rivals.add("bf16", dense.rival(of.shape(), rounds, spread));
      long bytes = (long) (copies.expertBytes() * rounds.active());
      long set = of.memory() == State.STREAMING ? copies.totalBytes() : bytes;
      List<MachineLimit.Bound> bounds =
          limits.of(runtime, of.isa(), of.threads(), bytes, set, ours.operations());
      time(of, row, ours, bytes, bounds, rivals);
    }
  }

  private void time(
      MoePlan.Case of,
      RowFields row,
      MoeWorkload ours,
      long bytes,
      List<MachineLimit.Bound> bounds,
      CaseRivals rivals) {
    List<Interleaved.Contender> contenders = new ArrayList<>();
    contenders.add(Interleaved.on(of.threads(), Interleaved.of(ours::run)));
    bounds.forEach(bound -> contenders.add(bound.contender()));
    contenders.addAll(rivals.contenders());
    List<double[]> nanos = new ArrayList<>();
    Map<String, Double> stages =
        ours.stagesOf(
            () ->
                nanos.addAll(Arrays.asList(Interleaved.run(contenders, sliceNanos, budgetNanos))));
    double[] own = nanos.get(0);
    row.time(own, bytes, ours.operations());
    row.put("stage_ns", stages);
    row.limit(bounds, nanos, own);
    rivals.report(row, nanos.subList(1 + bounds.size(), nanos.size()), own);
  }

  /** The weights of a case; those of the case before it are freed unless they are the same. */
  private ExpertCopies weights(WeightKey wanted) {
    if (!wanted.equals(key)) {
      forget();
      weights = new ExpertCopies(wanted.shape, SEED, wanted.layout, wanted.memory);
      key = wanted;
    }
    return weights;
  }

  private void forget() {
    key = null;
    if (weights != null) {
      weights.close();
      weights = null;
    }
  }

  @Override
  public void close() {
    forget();
    dense.close();
    runtimes.values().forEach(TernaryRuntime::close);
  }
}
