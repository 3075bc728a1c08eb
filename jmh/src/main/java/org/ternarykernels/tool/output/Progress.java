package org.ternarykernels.tool.cli;

import java.io.PrintWriter;

/** Says on stderr how far a long step is: first after two seconds, then every two seconds. */
final class Progress {
  private static final long INTERVAL_NANOS = 2_000_000_000L;

  private final PrintWriter err;
  private final String step;
  private final long total;
  private long next = System.nanoTime() + INTERVAL_NANOS;

  Progress(PrintWriter err, String step, long total) {
    this.err = err;
    this.step = step;
    this.total = total;
  }

  void at(long done) {
    at(done, "");
  }

  void at(long done, String detail) {
    long now = System.nanoTime();
    if (now >= next) {
      next = now + INTERVAL_NANOS;
      err.println(
          step + ": " + done + " of " + total + (detail.isEmpty() ? "" : " (" + detail + ")"));
      err.flush();
    }
  }
}
