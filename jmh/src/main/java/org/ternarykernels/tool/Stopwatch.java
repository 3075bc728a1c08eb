package org.ternarykernels.tool;

/**
 * Times a call for a table, not for a paper: the fastest of those that fit into a third of a second after a warm-up.
 * The fastest, because a neighbour on the machine can only slow a call down, and slows some libraries' threads more.
 */
final class Stopwatch {
  private static final long WARM_UP_NANOS = 100_000_000L;
  private static final long MEASURE_NANOS = 300_000_000L;

  private Stopwatch() {}

  /** Microseconds of one call. */
  static double micros(Runnable call) {
    long end = System.nanoTime() + WARM_UP_NANOS;
    do {
      call.run();
    } while (System.nanoTime() < end);
    long fastest = Long.MAX_VALUE;
    long last = System.nanoTime();
    for (end = last + MEASURE_NANOS; last < end; ) {
      call.run();
      long now = System.nanoTime();
      fastest = Math.min(fastest, now - last);
      last = now;
    }
    return fastest / 1e3;
  }
}
