package org.ternarykernels.tool.output;

import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.ternarykernels.storage.AtomicFile;
import org.ternarykernels.storage.Destination;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * What an option names for a command to write. The tool opens those of all options before the
 * command runs, so that one which cannot be written is wrong usage and costs no work.
 *
 * <p>A file appears whole or not at all. A device, a FIFO and {@code /dev/stdout} are written to.
 */
public final class OutputFile implements Closeable {
  /** A reader of a FIFO that is being started comes within this. */
  private static final long READER_MILLIS = 1000;

  private static final String STANDARD_OUTPUT = "-";

  private final Path path;
  private Destination destination;
  private OutputStream stream;
  private PrintWriter standardOutput;

  public OutputFile(Path path) {
    this.path = path;
  }

  /** Makes one of an option's text. */
  public static final class FromText implements ITypeConverter<OutputFile> {
    @Override
    public OutputFile convert(String text) {
      try {
        return new OutputFile(Path.of(text));
      } catch (InvalidPathException e) {
        throw new TypeConversionException("'" + text + "' is no path: " + e.getReason());
      }
    }
  }

  public Path path() {
    return path;
  }

  /** Whether it is what the command would print to: the text {@code -}. */
  public boolean isStandardOutput() {
    return path.toString().equals(STANDARD_OUTPUT);
  }

  /** Whether something can be written more than once, each time anew. */
  public boolean isFile() {
    return destination != null && destination.kind() == Destination.Kind.FILE;
  }

  /** Whether both lead to the same file. */
  public boolean isSameFile(OutputFile other) {
    return isFile() && destination.equals(other.destination);
  }

  /**
   * Tries whether it can be written.
   *
   * @param standardOutput the command's
   * @throws IOException if not; the message is the reason alone
   */
  public void open(PrintWriter standardOutput) throws IOException {
    if (isStandardOutput()) {
      this.standardOutput = standardOutput;
      return;
    }
    destination = Destination.of(path);
    switch (destination.kind()) {
      case FILE -> AtomicFile.tryOut(path);
      case FIFO -> stream = openFifo(destination.path());
      case DESCRIPTOR, CHARACTER_DEVICE -> stream = append(destination.path());
    }
  }

  /** Nothing is cut off: standard output may be a file with what was printed before. */
  private static OutputStream append(Path path) throws IOException {
    String own = "/proc/" + ProcessHandle.current().pid() + "/fd/";
    String real = path.getParent().toRealPath().resolve(path.getFileName()).toString();
    if (real.equals(own + "1")) {
      return new FileOutputStream(FileDescriptor.out); // goes on where the printed text ends
    }
    if (real.equals(own + "2")) {
      return new FileOutputStream(FileDescriptor.err);
    }
    return new FileOutputStream(path.toFile(), true);
  }

  /** Opening a FIFO waits for a reader, for ever if none comes. */
  private static OutputStream openFifo(Path path) throws IOException {
    FutureTask<OutputStream> opening =
        new FutureTask<>(() -> new FileOutputStream(path.toFile(), true));
    Thread thread = new Thread(opening, "opens " + path);
    thread.setDaemon(true);
    thread.start();
    try {
      try {
        return opening.get(READER_MILLIS, TimeUnit.MILLISECONDS);
      } catch (TimeoutException e) {
        // Opening it for both needs no partner, and is the reader that the thread waits for.
        try (RandomAccessFile both = new RandomAccessFile(path.toFile(), "rw")) {
          opening.get().close();
        }
        throw new IOException("it is a FIFO that nobody reads, must have a reader", e);
      }
    } catch (ExecutionException e) {
      throw new IOException(e.getCause().getMessage(), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while it waited for a reader of the FIFO", e);
    }
  }

  /**
   * Writes a file anew, or a stream on.
   *
   * @throws IOException if it cannot be written; a file is as it was then
   */
  public void write(AtomicFile.Content content) throws IOException {
    try {
      if (isFile()) {
        AtomicFile.write(path, content);
      } else if (standardOutput != null) {
        ByteArrayOutputStream text = new ByteArrayOutputStream();
        content.write(text);
        standardOutput.print(text.toString(StandardCharsets.UTF_8));
        standardOutput.flush();
      } else {
        content.write(stream);
        stream.flush();
      }
    } catch (IOException e) {
      throw new IOException(path + " cannot be written: " + e.getMessage(), e);
    }
  }

  /** Ends a stream; standard output and standard error stay open. */
  @Override
  public void close() throws IOException {
    if (stream instanceof FileOutputStream file
        && file.getFD() != FileDescriptor.out
        && file.getFD() != FileDescriptor.err) {
      file.close();
    }
  }

  @Override
  public String toString() {
    return path.toString();
  }
}
