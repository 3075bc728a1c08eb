package org.ternarykernels.io;

import java.io.Closeable;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A safetensors file, memory-mapped, of any size. The header is checked completely when the file is
 * opened: see the format's description at its authors'. Thread-safe.
 */
public final class SafetensorsFile implements Closeable {
  /** A mapping is at most this long, so a large file is a row of windows. */
  private static final long WINDOW = 1L << 30;

  private final String source;

  /**
   * The open file, to notice when it shrinks; null for one in memory. Not its channel: an interrupt
   * would close that.
   */
  private final @Nullable RandomAccessFile file;

  private final long bytes;
  private final Map<String, Tensor> tensors = new LinkedHashMap<>();
  private final Map<String, String> metadata;

  /** Null once closed. */
  private volatile ByteBuffer @Nullable [] windows;

  private SafetensorsFile(
      String source, @Nullable RandomAccessFile file, ByteBuffer[] windows, long bytes) {
    this.source = source;
    this.file = file;
    this.windows = windows;
    this.bytes = bytes;
    require(
        bytes >= Long.BYTES,
        "the size is " + bytes + " bytes, must be at least the 8 of the header's length");
    ByteBuffer length = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    copy(0, length);
    byte[] json = new byte[SafetensorsHeader.checkLength(length.getLong(0), bytes)];
    copy(Long.BYTES, ByteBuffer.wrap(json));
    long dataStart = (long) Long.BYTES + json.length;
    SafetensorsHeader header = SafetensorsHeader.parse(json, bytes - dataStart);
    header
        .tensors()
        .forEach((name, entry) -> tensors.put(name, new Tensor(this, name, entry, dataStart)));
    this.metadata = header.metadata();
  }

  /**
   * Opens a file.
   *
   * @param path of the file
   * @return the file
   * @throws UncheckedIOException if it cannot be read
   * @throws IllegalArgumentException if it breaks a rule of the format
   */
  public static SafetensorsFile open(Path path) {
    require(path != null, "path is null, must be given");
    try {
      RandomAccessFile file = new RandomAccessFile(path.toFile(), "r");
      try {
        long bytes = file.length();
        ByteBuffer[] windows = new ByteBuffer[windowCount(bytes)];
        for (int i = 0; i < windows.length; i++) {
          windows[i] =
              file.getChannel()
                  .map(
                      FileChannel.MapMode.READ_ONLY,
                      i * WINDOW,
                      Math.min(WINDOW, bytes - i * WINDOW));
        }
        return new SafetensorsFile(path.toString(), file, windows, bytes);
      } catch (IOException | RuntimeException e) {
        file.close();
        throw e;
      }
    } catch (IOException e) {
      throw new UncheckedIOException(path + " cannot be read: " + e.getMessage(), e);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(path + ": " + e.getMessage(), e);
    }
  }

  /**
   * Reads a file that is in memory.
   *
   * @param content all bytes from the position to the limit; not copied
   * @return the file
   * @throws IllegalArgumentException if it breaks a rule of the format
   */
  public static SafetensorsFile of(ByteBuffer content) {
    require(content != null, "content is null, must be given");
    ByteBuffer all = content.slice();
    ByteBuffer[] windows = new ByteBuffer[windowCount(all.limit())];
    for (int i = 0; i < windows.length; i++) {
      int start = (int) (i * WINDOW);
      windows[i] = all.slice(start, (int) Math.min(WINDOW, all.limit() - start));
    }
    return new SafetensorsFile("memory", null, windows, all.limit());
  }

  private static int windowCount(long bytes) {
    return Math.toIntExact((bytes + WINDOW - 1) / WINDOW);
  }

  /**
   * The names of the tensors, in the order of the header.
   *
   * @return an unmodifiable set
   */
  public Set<String> names() {
    return Collections.unmodifiableSet(tensors.keySet());
  }

  /**
   * A tensor.
   *
   * @param name of the tensor
   * @return the tensor
   * @throws IllegalArgumentException if there is none of this name
   */
  public Tensor tensor(String name) {
    Tensor tensor = tensors.get(name);
    if (tensor == null) {
      throw new IllegalArgumentException(source + " has no tensor \"" + name + "\"");
    }
    return tensor;
  }

  /**
   * The texts of {@code __metadata__}.
   *
   * @return an unmodifiable map, empty if there are none
   */
  public Map<String, String> metadata() {
    return metadata;
  }

  void copy(long offset, ByteBuffer target) {
    ByteBuffer[] windows = this.windows;
    if (windows == null) {
      throw new IllegalStateException(source + " is closed, must be open");
    }
    try {
      checkWhole();
      while (target.hasRemaining()) {
        ByteBuffer window = windows[(int) (offset / WINDOW)];
        int at = (int) (offset % WINDOW);
        int count = Math.min(target.remaining(), window.limit() - at);
        target.put(window.slice(at, count));
        offset += count;
      }
      checkWhole();
    } catch (IOException e) {
      throw new UncheckedIOException(source + " cannot be read: " + e.getMessage(), e);
    } catch (InternalError e) {
      throw new UncheckedIOException(
          new IOException(truncated(), e)); // what the JVM makes of a mapped page that is gone
    }
  }

  private void checkWhole() throws IOException {
    if (file != null && file.length() < bytes) {
      throw new IOException(truncated());
    }
  }

  private String truncated() {
    return source + " has been truncated since it was opened, must keep its " + bytes + " bytes";
  }

  private static void require(boolean holds, String sentence) {
    if (!holds) {
      throw new IllegalArgumentException(sentence);
    }
  }

  /** Gives up the mapping; tensors cannot be read any more. Closing again does nothing. */
  @Override
  public void close() {
    if (windows == null) {
      return;
    }
    windows = null; // The JDK unmaps when the buffers are collected: no thread can be reading then.
    if (file != null) {
      try {
        file.close();
      } catch (IOException e) {
        throw new UncheckedIOException(source + " cannot be closed: " + e.getMessage(), e);
      }
    }
  }
}
