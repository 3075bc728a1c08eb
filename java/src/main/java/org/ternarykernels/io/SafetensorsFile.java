package org.ternarykernels.io;

import java.io.Closeable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ClosedChannelException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.ternarykernels.storage.RegularFile;

/**
 * A safetensors file of any size. The header is checked completely when the file is opened: see the
 * format's description at its authors'. Data are read when they are asked for, by position. Nothing
 * is mapped, so a file that is truncated meanwhile is an exception. Thread-safe.
 */
public final class SafetensorsFile implements Closeable {
  /** Where the bytes are. */
  private interface Content {
    /** Fills the target with the bytes from an offset. */
    void read(long offset, ByteBuffer target) throws IOException;
  }

  private final String source;

  /** The open file; null for one in memory. */
  private final @Nullable RegularFile file;

  private final Map<String, Tensor> tensors = new LinkedHashMap<>();
  private final Map<String, String> metadata;

  /** Null once closed. */
  private volatile @Nullable Content content;

  private SafetensorsFile(String source, @Nullable RegularFile file, Content content, long bytes) {
    this.source = source;
    this.file = file;
    this.content = content;
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
   * @throws UncheckedIOException if it cannot be read or is no regular file
   * @throws IllegalArgumentException if it breaks a rule of the format
   */
  public static SafetensorsFile open(Path path) {
    require(path != null, "path is null, must be given");
    try {
      RegularFile file = RegularFile.open(path);
      try {
        return new SafetensorsFile(path.toString(), file, file::read, file.size());
      } catch (RuntimeException | Error e) {
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
   * @param content all bytes from the position to the limit; not copied. A file that the caller has
   *     mapped must not be truncated meanwhile: that can end the process
   * @return the file
   * @throws IllegalArgumentException if it breaks a rule of the format
   */
  public static SafetensorsFile of(ByteBuffer content) {
    require(content != null, "content is null, must be given");
    ByteBuffer all = content.slice();
    return new SafetensorsFile(
        "memory",
        null,
        (offset, target) -> target.put(all.slice((int) offset, target.remaining())),
        all.limit());
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
    Content content = this.content;
    if (content == null) {
      throw closed();
    }
    try {
      content.read(offset, target);
    } catch (ClosedChannelException e) {
      throw closed();
    } catch (IOException e) {
      throw new UncheckedIOException(source + " cannot be read: " + e.getMessage(), e);
    } catch (InternalError e) { // what the JVM makes of a page of a caller's mapping that is gone
      throw new UncheckedIOException(
          new IOException(source + " is of a mapped file that has been truncated", e));
    }
  }

  private IllegalStateException closed() {
    return new IllegalStateException(source + " is closed, must be open");
  }

  private static void require(boolean holds, String sentence) {
    if (!holds) {
      throw new IllegalArgumentException(sentence);
    }
  }

  /**
   * Closes the file; tensors cannot be read any more. A thread that is reading one gets an {@link
   * IllegalStateException}. Closing again does nothing.
   */
  @Override
  public void close() {
    content = null;
    if (file != null) {
      try {
        file.close();
      } catch (IOException e) {
        throw new UncheckedIOException(source + " cannot be closed: " + e.getMessage(), e);
      }
    }
  }
}
