package org.ternarykernels.tool.bench;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.ternarykernels.Activation;
import org.ternarykernels.DataType;
import org.ternarykernels.ExpertOracle;
import org.ternarykernels.MoeLayer;
import org.ternarykernels.Routing;
import org.ternarykernels.TernaryBuffer;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.tool.problem.ExpertCopies;
import org.ternarykernels.tool.problem.MoeShape;
import org.ternarykernels.tool.problem.RandomProblem;

/** Calls of a layer of experts: bf16 in, bf16 out, ids and weights given. */
final class MoeWorkload implements AutoCloseable {
  /** The oracle takes a tenth of a second or so a row. */
  static final int CHECKED_ROWS = 4;

  private final TernaryRuntime runtime;
  private final MoeShape shape;
  private final int m;
  private final ExpertRounds rounds;
  private final List<MoeLayer> layers = new ArrayList<>();
  private final List<Routing> routings = new ArrayList<>();
  private final TernaryBuffer x;
  private final TernaryBuffer y;
  private int call;
  private long calls;

  MoeWorkload(
      TernaryRuntime runtime,
      ExpertCopies weights,
      Activation activation,
      ExpertRounds rounds,
      int m) {
    this.runtime = runtime;
    this.shape = weights.shape();
    this.rounds = rounds;
    this.m = m;
    RandomProblem random = new RandomProblem(Workload.ROW_SEED);
    x = random.activations(DataType.BF16, m, shape.h());
    y = TernaryBuffer.allocate(DataType.BF16, (long) m * shape.h());
    TernaryBuffer shares =
        TernaryBuffer.copyOf(DataType.F32, random.vector(m * shape.slots(), 1f / shape.slots()));
    for (ExpertCopies.Copy copy : weights.copies()) {
      layers.add(MoeLayer.builder(runtime, copy.w13(), copy.w2()).activation(activation).build());
    }
    for (int i = 0; i < rounds.calls(); i++) {
      routings.add(Routing.of(TernaryBuffer.copyOf(rounds.ids(i)), shares, shape.slots()));
    }
  }

  /** The next call. */
  void run() {
    layers.get(call / routings.size()).apply(x, routings.get(call % routings.size()), y, m);
    call = (call + 1) % (routings.size() * layers.size());
    ++calls;
  }

  /** The mean time of each stage of the calls that {@code work} makes, in nanoseconds. */
  Map<String, Double> stagesOf(Runnable work) {
    Map<String, Long> before = runtime.stageNanoseconds();
    long first = calls;
    work.run();
    Map<String, Double> stages = new LinkedHashMap<>();
    runtime
        .stageNanoseconds()
        .forEach(
            (stage, nanos) ->
                stages.put(
                    stage, (nanos - before.getOrDefault(stage, 0L)) / (double) (calls - first)));
    return stages;
  }

  /** Operations of a call, two a multiply-add. */
  double operations() {
    return 2 * rounds.pairs() * shape.products();
  }

  /** The paths that a call takes, joined by +. */
  String path() {
    Map<String, Long> before = runtime.pathCounts();
    run();
    return Workload.pathsSince(before, runtime);
  }

  /**
   * Runs the first call and the last, and compares rows of both with the oracle, bit for bit.
   *
   * @return rows that were checked of the first
   * @throws IllegalStateException if a bit differs
   */
  int check() {
    int rows = Math.min(m, CHECKED_ROWS);
    call = 0;
    run();
    for (int i = 0; i < rows; i++) {
      checkRow(layers.get(0), routings.get(0), checkedRow(i, rows, m));
    }
    call = routings.size() * layers.size() - 1;
    run();
    checkRow(layers.get(layers.size() - 1), routings.get(routings.size() - 1), m - 1);
    return rows;
  }

  private void checkRow(MoeLayer layer, Routing routing, int row) {
    requireOracles(layer, shape, x, routing, y, row);
  }

  /** Throws if a row of contiguous Y is not the oracle's, bit for bit. */
  static void requireOracles(
      MoeLayer layer, MoeShape shape, TernaryBuffer x, Routing routing, TernaryBuffer y, int row) {
    int h = shape.h();
    int slots = shape.slots();
    TernaryBuffer expected = TernaryBuffer.allocate(DataType.BF16, h);
    Routing own =
        Routing.of(
            routing.ids().slice((long) row * slots, slots),
            routing.weights().slice((long) row * slots, slots),
            slots);
    ExpertOracle.moe(
        layer, x.slice((long) row * h, h), h, null, own, null, null, 0, expected, h, 1);
    Workload.requireSame("row " + row, y.slice((long) row * h, h), expected);
  }

  /** The row that is checked as the i-th of so many. */
  static int checkedRow(int i, int rows, int m) {
    return rows == 1 ? 0 : i * (m - 1) / (rows - 1);
  }

  @Override
  public void close() {
    layers.forEach(MoeLayer::close);
  }
}
