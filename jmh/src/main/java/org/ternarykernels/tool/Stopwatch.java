package org.ternarykernels.tool;

import java.util.Arrays;

/** Times a call for a table, not for a paper: the median of what fits into a third of a second after a warm-up. */
final class Stopwatch {
  private static final long WARM_UP_NANOS = 100_000_000L;
  private static final long MEASURE_NANOS = 300_000_000L;
  private static final int MOST_CALLS = 100_000;

  private Stopwatch() {}

  /** Microseconds of one call. */
  static double micros(Runnable call) {
    long end = System.nanoTime() + WARM_UP_NANOS;
    do {
      call.run();
    } while (System.nanoTime() < end);
    long[] times = new long[MOST_CALLS];
    int calls = 0;
    long start = System.nanoTime();
    long last = start;
    do {
      call.run();
      long now = System.nanoTime();
      times[calls++] = now - last;
      last = now;
    } while (last - start < MEASURE_NANOS && calls < MOST_CALLS);
    Arrays.sort(times, 0, calls);
    return times[calls / 2] / 1e3;
  }
}
