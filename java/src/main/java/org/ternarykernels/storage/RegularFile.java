package org.ternarykernels.storage;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;

/**
 * A regular file that is read by position. It is not mapped: one that is truncated meanwhile is an
 * exception, never a signal that ends the process. It is not read through a channel: an interrupt
 * would close that for all threads. Thread-safe.
 */
public final class RegularFile implements Closeable {
  /** The JDK reads up to this much at once without a large block of its own. */
  private static final int CHUNK = 1 << 16;

  private final RandomAccessFile file;
  private final long size;
  private boolean closed;

  private RegularFile(RandomAccessFile file) throws IOException {
    this.file = file;
    this.size = file.length();
  }

  /**
   * Opens a file.
   *
   * @param path of the file
   * @return the file
   * @throws IOException if it cannot be opened or is no regular file; the message is the reason
   *     alone
   */
  public static RegularFile open(Path path) throws IOException {
    size(path);
    if (path.getFileSystem() != FileSystems.getDefault()) {
      throw new IOException(
          "it is in " + path.getFileSystem() + ", must be in the default file system");
    }
    RandomAccessFile file = new RandomAccessFile(path.toFile(), "r");
    try {
      return new RegularFile(file);
    } catch (IOException e) {
      file.close();
      throw e;
    }
  }

  /**
   * A stream of the content that no interrupt closes.
   *
   * @param path of the file
   * @return a stream, not buffered
   * @throws IOException as {@link #open}
   */
  public static InputStream stream(Path path) throws IOException {
    size(path);
    return Files.newInputStream(path);
  }

  /**
   * The size of a file, whose kind is looked at before it is opened: opening a FIFO waits for
   * somebody who writes.
   *
   * @param path of the file
   * @return bytes
   * @throws IOException as {@link #open}
   */
  public static long size(Path path) throws IOException {
    BasicFileAttributes found;
    try {
      found = Files.readAttributes(path, BasicFileAttributes.class);
    } catch (IOException e) {
      throw new IOException(Reason.of(e), e);
    }
    if (!found.isRegularFile()) {
      throw new IOException("it is no regular file, must be one");
    }
    return found.size();
  }

  /**
   * The size when the file was opened.
   *
   * @return bytes
   */
  public long size() {
    return size;
  }

  /**
   * Fills a buffer.
   *
   * @param position of the first byte in the file
   * @param target receives as many bytes as it has room for
   * @throws ClosedChannelException if the file is closed, also in the middle of the read
   * @throws IOException if it cannot be read, or is shorter than it was
   */
  public void read(long position, ByteBuffer target) throws IOException {
    byte[] chunk = new byte[Math.min(target.remaining(), CHUNK)];
    while (target.hasRemaining()) {
      int count = read(position, chunk, Math.min(target.remaining(), CHUNK));
      target.put(chunk, 0, count);
      position += count;
    }
  }

  private synchronized int read(long position, byte[] chunk, int most) throws IOException {
    if (closed) {
      throw new ClosedChannelException();
    }
    file.seek(position);
    int count = file.read(chunk, 0, most);
    // Bytes that were read beside the new end may be zeros.
    if (count < 0 || file.length() < size) {
      throw new IOException(
          "it has been truncated since it was opened, must keep its " + size + " bytes");
    }
    return count;
  }

  /** Waits for a thread that is reading a chunk. Closing again does nothing. */
  @Override
  public synchronized void close() throws IOException {
    closed = true;
    file.close();
  }
}
