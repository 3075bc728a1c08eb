package org.ternarykernels.tool.bench;

import java.util.Arrays;
import org.ternarykernels.tool.measure.Interleaved;
import org.ternarykernels.tool.onednn.Baseline;
import org.ternarykernels.tool.problem.MoeShape;
import org.ternarykernels.tool.problem.Shape;
import org.ternarykernels.tool.rival.Rival;

/**
 * Experts as dense products by oneDNN, one of gate and up and one of down after the other, times
 * the experts of a call. Each has a process of its own.
 */
final class DenseExperts implements AutoCloseable {
  private static final long SEED = 1;

  private final Baseline gateUp;
  private final Baseline down;

  /**
   * @param threads the most that oneDNN may use
   */
  DenseExperts(int threads) {
    gateUp = new Baseline(threads, false);
    down = new Baseline(threads, false);
  }

  /**
   * What takes as long as a call's experts, where they have as many rows each.
   *
   * @param weightBytes of all copies of a product's weights together; 0 for one copy
   */
  Rival rival(MoeShape shape, ExpertRounds rounds, long weightBytes) {
    int rows = rounds.rows()[0];
    if (Arrays.stream(rounds.rows()).anyMatch(other -> other != rows)) {
      return Rival.missing("experts have different numbers of rows");
    }
    Rival first =
        gateUp
            .rivals(new Shape(2 * shape.i(), shape.h(), "gate_up"), SEED, rows, weightBytes)
            .best();
    Rival second =
        down.rivals(new Shape(shape.h(), shape.i(), "down"), SEED, rows, weightBytes).best();
    if (!first.present() || !second.present()) {
      return first.present() ? second : first;
    }
    int threads = Math.max(first.threads(), second.threads());
    Interleaved.Contender both =
        nanos ->
            rounds.active()
                * (first.contender().slice(nanos / 2) + second.contender().slice(nanos / 2));
    return new Rival(
        first.what() + " of " + rounds.active() + " experts, products alone",
        threads,
        null,
        Interleaved.on(threads, both),
        () -> first.failure().get() != null ? first.failure().get() : second.failure().get());
  }

  @Override
  public void close() {
    gateUp.close();
    down.close();
  }
}
