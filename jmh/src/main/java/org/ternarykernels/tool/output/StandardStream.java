package org.ternarykernels.tool.output;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStreamWriter;
import java.io.PrintWriter;
import java.io.Writer;
import java.nio.charset.Charset;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Standard output or standard error of the process. What is written takes the progress line off the
 * screen first, so that the line is never inside a table. A reader that has gone, as {@code head}
 * does, ends the process without a word.
 */
public final class StandardStream extends PrintWriter {
  /** What a shell calls a process that SIGPIPE ended. */
  private static final int READER_GONE = 141;

  private final boolean terminal;

  private StandardStream(Writer writer, boolean terminal) {
    super(writer, true);
    this.terminal = terminal;
  }

  public static StandardStream out() {
    return new StandardStream(new Screenful(FileDescriptor.out), isTerminal(1));
  }

  public static StandardStream err() {
    return new StandardStream(new Screenful(FileDescriptor.err), isTerminal(2));
  }

  /** Whether a command's writer leads to a terminal; one that a test gave does not. */
  static boolean isTerminal(PrintWriter writer) {
    return writer instanceof StandardStream stream && stream.terminal;
  }

  private static boolean isTerminal(int descriptor) {
    try {
      String target = Files.readSymbolicLink(Path.of("/proc/self/fd/" + descriptor)).toString();
      return target.startsWith("/dev/pts/") || target.startsWith("/dev/tty");
    } catch (IOException | UnsupportedOperationException e) {
      return false; // closed, or not Linux
    }
  }

  private static final class Screenful extends Writer {
    private final Writer target;

    Screenful(FileDescriptor descriptor) {
      target = new OutputStreamWriter(new FileOutputStream(descriptor), Charset.defaultCharset());
    }

    @Override
    public void write(char[] text, int offset, int length) {
      ProgressLine.hide();
      attempt(() -> target.write(text, offset, length));
    }

    @Override
    public void flush() {
      attempt(target::flush);
    }

    @Override
    public void close() {
      flush(); // the descriptor is the process's
    }

    /** Something that may find that nobody reads. */
    private interface Attempt {
      void run() throws IOException;
    }

    private static void attempt(Attempt attempt) {
      try {
        attempt.run();
      } catch (IOException e) {
        Runtime.getRuntime().halt(READER_GONE);
      }
    }
  }
}
