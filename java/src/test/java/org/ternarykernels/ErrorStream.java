package org.ternarykernels;

import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.function.Supplier;

/** The tests' logger writes to System.err: what it says while this is open, or how it fails. */
final class ErrorStream implements AutoCloseable {
  private final PrintStream before = System.err;
  private final ByteArrayOutputStream text = new ByteArrayOutputStream();

  /** Keeps what is said. */
  ErrorStream() {
    System.setErr(new PrintStream(text, true, StandardCharsets.UTF_8));
  }

  /** Throws whenever something is said. */
  ErrorStream(Supplier<? extends Throwable> failure) {
    System.setErr(
        new PrintStream(OutputStream.nullOutputStream()) {
          @Override
          public void println(String line) {
            ErrorStream.<RuntimeException>sneak(failure.get());
          }
        });
  }

  @SuppressWarnings("unchecked")
  private static <T extends Throwable> void sneak(Throwable failure) throws T {
    throw (T) failure;
  }

  /** Lines that contain a text. */
  long lines(String part) {
    return text.toString(StandardCharsets.UTF_8)
        .lines()
        .filter(line -> line.contains(part))
        .count();
  }

  @Override
  public void close() {
    System.setErr(before);
  }
}
