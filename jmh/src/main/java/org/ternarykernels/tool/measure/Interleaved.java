package org.ternarykernels.tool.measure;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Times contenders in turns, A-B-A-B, a short slice each, so that a neighbour's minute or a change
 * of clock meets all of them alike. What is compared are the values of one round, which lie
 * milliseconds apart.
 */
public final class Interleaved {
  /** Something that is timed. */
  public interface Contender {
    /**
     * Runs for about so long, at least once.
     *
     * @return nanoseconds a call
     */
    double slice(long nanos);
  }

  /** Six values give a median with an interval of 95 %. */
  public static final int FEWEST_ROUNDS = 7;

  private static final int MOST_ROUNDS = 101;

  private Interleaved() {}

  /**
   * A call that is timed by the clock of this process. A quarter of a slice goes before it untimed,
   * unless one call is longer than that: threads that sleep and caches that others have used would
   * count otherwise (on 2 vCPUs after oneDNN's turn, a call of 56 us: 127 us in slices of 0.5 ms,
   * 72 in 4 ms, 62 in 20 ms).
   */
  public static Contender of(Runnable call) {
    double[] last = {0};
    return nanos -> {
      if (last[0] < nanos / 4.0) {
        time(call, nanos / 4);
      }
      last[0] = time(call, nanos);
      return last[0];
    };
  }

  private static double time(Runnable call, long nanos) {
    long begin = System.nanoTime();
    long calls = 0;
    long now;
    do {
      call.run();
      calls++;
      now = System.nanoTime();
    } while (now - begin < nanos);
    return (double) (now - begin) / calls;
  }

  /**
   * Times each contender once a round.
   *
   * @param sliceNanos of each
   * @param budgetNanos for everything; exceeded for {@link #FEWEST_ROUNDS}
   * @return for each contender its nanoseconds a call in each round
   */
  public static double[][] run(
      List<? extends Contender> contenders, long sliceNanos, long budgetNanos) {
    for (Contender contender : contenders) {
      contender.slice(sliceNanos / 4); // caches, pages, and the JIT
    }
    List<double[]> rounds = new ArrayList<>();
    long end = System.nanoTime() + budgetNanos;
    while (rounds.size() < FEWEST_ROUNDS
        || rounds.size() < MOST_ROUNDS && System.nanoTime() < end) {
      rounds.add(
          contenders.stream().mapToDouble(contender -> contender.slice(sliceNanos)).toArray());
    }
    double[][] samples = new double[contenders.size()][];
    for (int i = 0; i < samples.length; i++) {
      int contender = i;
      samples[i] = rounds.stream().mapToDouble(round -> round[contender]).toArray();
    }
    return samples;
  }

  /** The middle of a few slices, to choose between contenders. */
  public static double estimate(Contender contender, long sliceNanos) {
    double[] values = {
      contender.slice(sliceNanos), contender.slice(sliceNanos), contender.slice(sliceNanos)
    };
    Arrays.sort(values);
    return values[1];
  }
}
