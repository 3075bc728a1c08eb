package org.ternarykernels.tool.output;

import java.io.PrintWriter;
import java.util.function.LongSupplier;

/**
 * Says on stderr how far a long step is and how long the rest will take: first after two seconds.
 * On a terminal it is one line, rewritten in place; elsewhere a line every ten seconds.
 */
public final class Progress implements AutoCloseable {
  private static final long SECOND = 1_000_000_000L;
  private static final long FIRST_NANOS = 2 * SECOND;
  private static final long ON_TERMINAL_NANOS = SECOND / 4;
  private static final long IN_FILE_NANOS = 10 * SECOND;

  private final PrintWriter err;
  private final boolean terminal;
  private final int width;
  private final String step;
  private final long total;
  private final LongSupplier clock;
  private final long begin;
  private long next;

  /**
   * @param width of the terminal; a longer line is cut
   * @param step what is counted, for example "rows measured"
   * @param total how many there will be
   */
  Progress(PrintWriter err, int width, String step, long total, LongSupplier clock) {
    this.err = err;
    this.terminal = StandardStream.isTerminal(err);
    this.width = width;
    this.step = step;
    this.total = total;
    this.clock = clock;
    begin = clock.getAsLong();
    next = begin + FIRST_NANOS;
  }

  public void at(long done) {
    at(done, "");
  }

  /**
   * @param done how many are finished
   * @param detail what comes next, or nothing
   */
  public void at(long done, String detail) {
    long now = clock.getAsLong();
    if (now - next < 0) {
      return;
    }
    next = now + (terminal ? ON_TERMINAL_NANOS : IN_FILE_NANOS);
    String line =
        step
            + ": "
            + done
            + " of "
            + total
            + left(now, done)
            + (detail.isEmpty() ? "" : " (" + detail + ")");
    if (terminal) {
      ProgressLine.show(line.length() < width ? line : line.substring(0, width - 1));
    } else {
      err.println(line);
      err.flush();
    }
  }

  /** The rest at the speed of what is done. */
  private String left(long now, long done) {
    if (done < 1 || done > total) {
      return "";
    }
    long seconds = Math.round((double) (now - begin) / done * (total - done) / SECOND);
    return ", " + seconds / 60 + ":" + (seconds % 60 < 10 ? "0" : "") + seconds % 60 + " left";
  }

  /** Takes the line off the screen. */
  @Override
  public void close() {
    ProgressLine.hide();
  }
}
