package org.ternarykernels.tool.measure;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;

/**
 * Times contenders in turns, a short slice each, so that a neighbour's minute or a change of clock
 * meets all of them alike. What is compared are the values of one round, which lie milliseconds
 * apart. Each round has an order of its own: in a fixed one a contender would always meet the
 * caches and the clock that the same neighbour leaves. After a turn on more threads than one the
 * next waits until they sleep.
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

    /** Threads of a call; more than one look for work for some time after it. */
    default int threads() {
      return 1;
    }
  }

  /** Six values give a median with an interval of 95 %. */
  public static final int FEWEST_ROUNDS = 7;

  private static final int MOST_ROUNDS = 101;

  /**
   * How long the threads of a call that has ended may look for more before they sleep. OpenMP's do
   * for milliseconds, ours for 50 us, on a virtual machine whose pauses are trapped for longer.
   */
  private static final int SETTLE_MILLIS = 10;

  /**
   * Slices of calls on more threads than one. A thread that has slept may wake on its waker's
   * processor and stay for milliseconds, until the system moves it: of slices of 4 ms the half then
   * shows the time of one thread.
   */
  private static final int LONGER_ON_MORE_THREADS = 5;

  private static final long SEED = 1;

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

  /** A contender whose calls have so many threads. */
  public static Contender on(int threads, Contender slice) {
    return new Contender() {
      @Override
      public double slice(long nanos) {
        return slice.slice(nanos);
      }

      @Override
      public int threads() {
        return threads;
      }
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
   * Times each contender once a round, in an order that changes from round to round; the orders of
   * every run are the same.
   *
   * @param sliceNanos of each
   * @param budgetNanos for everything; exceeded for {@link #FEWEST_ROUNDS}
   * @return for each contender its nanoseconds a call in each round
   */
  public static double[][] run(
      List<? extends Contender> contenders, long sliceNanos, long budgetNanos) {
    for (Contender contender : contenders) {
      turn(contender, sliceNanos / 4); // caches, pages, and the JIT
    }
    List<Integer> order = new ArrayList<>(IntStream.range(0, contenders.size()).boxed().toList());
    Random random = new Random(SEED);
    List<double[]> rounds = new ArrayList<>();
    long end = System.nanoTime() + budgetNanos;
    while (rounds.size() < FEWEST_ROUNDS
        || rounds.size() < MOST_ROUNDS && System.nanoTime() < end) {
      Collections.shuffle(order, random);
      double[] round = new double[contenders.size()];
      order.forEach(next -> round[next] = turn(contenders.get(next), sliceNanos));
      rounds.add(round);
    }
    double[][] samples = new double[contenders.size()][];
    for (int i = 0; i < samples.length; i++) {
      int contender = i;
      samples[i] = rounds.stream().mapToDouble(round -> round[contender]).toArray();
    }
    return samples;
  }

  /** A slice, and until what it has woken sleeps. */
  private static double turn(Contender contender, long sliceNanos) {
    double nanos =
        contender.slice(contender.threads() > 1 ? LONGER_ON_MORE_THREADS * sliceNanos : sliceNanos);
    if (contender.threads() > 1) {
      try {
        Thread.sleep(SETTLE_MILLIS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
    return nanos;
  }

  /** The middle of a few slices, to choose between contenders. */
  public static double estimate(Contender contender, long sliceNanos) {
    double[] values = {
      contender.slice(sliceNanos), contender.slice(sliceNanos), turn(contender, sliceNanos)
    };
    Arrays.sort(values);
    return values[1];
  }
}
