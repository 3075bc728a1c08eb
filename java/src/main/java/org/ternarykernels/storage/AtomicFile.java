package org.ternarykernels.storage;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.util.Set;
import java.util.UUID;

/**
 * Writes a file so that it is there whole or not at all, also when several processes write it or
 * the machine stops.
 */
public final class AtomicFile {
  private AtomicFile() {}

  /** What writes the content. */
  public interface Content {
    /**
     * Writes all of it.
     *
     * @param channel positioned at the start of an empty file
     * @throws IOException if that fails
     */
    void write(FileChannel channel) throws IOException;
  }

  /**
   * Writes a temporary file in the target's folder, forces it to the disk and renames it.
   *
   * @param file to write; replaced if it exists
   * @param content what to write
   * @param attributes of the new file, such as its mode; by default what the process's umask leaves
   * @throws IOException if it cannot be written; the old file is then as it was
   */
  public static void write(Path file, Content content, FileAttribute<?>... attributes)
      throws IOException {
    Path target = file.toAbsolutePath();
    // Not Files.createTempFile, whose files nobody else can read, whatever the umask.
    Path temporary = target.resolveSibling(target.getFileName() + "." + UUID.randomUUID() + ".tmp");
    try {
      try (FileChannel channel =
          FileChannel.open(
              temporary,
              Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
              attributes)) {
        content.write(channel);
        channel.force(true);
      }
      Files.move(
          temporary, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } finally {
      Files.deleteIfExists(temporary);
    }
    try (FileChannel folder = FileChannel.open(target.getParent(), StandardOpenOption.READ)) {
      folder.force(true); // the rename itself
    }
  }

  /**
   * Writes all that remains in a buffer.
   *
   * @param channel to write to
   * @param bytes to write
   * @throws IOException if that fails
   */
  public static void writeFully(FileChannel channel, ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }
}
