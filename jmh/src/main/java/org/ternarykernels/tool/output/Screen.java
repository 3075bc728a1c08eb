package org.ternarykernels.tool.output;

import java.io.PrintWriter;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;

/**
 * Where a command shows its results and its progress. Tables are as wide as the terminal, and 80
 * columns wide elsewhere.
 */
public final class Screen {
  private static final int WIDTH_ELSEWHERE = 80;

  private final PrintWriter out;
  private final PrintWriter err;
  private final int width;

  private Screen(PrintWriter out, PrintWriter err, int width) {
    this.out = out;
    this.err = err;
    this.width = width;
  }

  public static Screen of(CommandSpec spec) {
    CommandLine command = spec.commandLine();
    boolean terminal = StandardStream.isTerminal(command.getOut());
    int width = terminal ? spec.usageMessage().width() : WIDTH_ELSEWHERE;
    return new Screen(command.getOut(), command.getErr(), width);
  }

  /** Columns of a line. */
  public int width() {
    return width;
  }

  /** Where results go. */
  public PrintWriter out() {
    return out;
  }

  /** Prints a line of the result at once. */
  public void line(String text) {
    out.println(text);
    out.flush();
  }

  /**
   * A line on stderr that says how far something is.
   *
   * @param step what is counted, for example "rows measured"
   */
  public Progress progress(String step, long total) {
    return new Progress(err, width, step, total, System::nanoTime);
  }

  /** A table on this screen. */
  public TextTable table() {
    return new TextTable(this::line, width);
  }
}
