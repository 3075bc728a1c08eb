package org.ternarykernels.storage;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Writes a file so that it is there whole or not at all, also when several processes write it or
 * the machine stops. What is there already keeps its mode, and a symbolic link stays: the file that
 * it leads to is replaced.
 *
 * <p>An interrupt does not disturb it, and is not lost: content goes through streams, since an
 * interrupted thread closes the channels that it uses.
 */
public final class AtomicFile {
  private static final int CHUNK = 1 << 16;
  private static final FileAttribute<?> OWNER_ONLY =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));

  private AtomicFile() {}

  /** What writes the content. */
  public interface Content {
    /**
     * Writes all of it.
     *
     * @param out at the start of an empty file
     * @throws IOException if that fails
     */
    void write(OutputStream out) throws IOException;
  }

  /**
   * Writes a temporary file in the target's folder, forces it to the disk and renames it.
   *
   * @param file to write; replaced if it exists
   * @param content what to write
   * @throws IOException if it cannot be written, or is there and no regular file; what was there is
   *     as it was then. The message is the reason alone
   */
  public static void write(Path file, Content content) throws IOException {
    Path target = Destination.of(file).file();
    Path temporary = temporary(target);
    Set<PosixFilePermission> mode = mode(target);
    create(temporary, mode);
    try {
      try (OutputStream out = open(temporary)) {
        content.write(out);
      }
      force(temporary, StandardOpenOption.WRITE);
      if (mode != null && !mode.equals(mode(temporary))) { // last: it may forbid to write
        Files.setPosixFilePermissions(temporary, mode);
      }
      Files.move(
          temporary, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      remove(temporary, e);
      throw new IOException(Reason.of(e), e);
    } catch (RuntimeException | Error e) {
      remove(temporary, e);
      throw e;
    }
    forceFolder(target);
  }

  /**
   * Tries whether a file can be written, by making and removing the temporary one.
   *
   * @param file to write later; left as it is
   * @throws IOException as {@link #write} throws it
   */
  public static void tryOut(Path file) throws IOException {
    Path temporary = temporary(Destination.of(file).file());
    create(temporary, null);
    Files.deleteIfExists(temporary);
  }

  /** Not of the target's name, which may be as long as names can be. */
  private static Path temporary(Path target) {
    return target.resolveSibling(".ternary-" + UUID.randomUUID() + ".tmp");
  }

  /** The mode of a file; null if there is no file, or no modes. */
  private static @Nullable Set<PosixFilePermission> mode(Path file) throws IOException {
    PosixFileAttributeView view =
        Files.getFileAttributeView(file, PosixFileAttributeView.class, LinkOption.NOFOLLOW_LINKS);
    try {
      return view == null ? null : view.readAttributes().permissions();
    } catch (NoSuchFileException e) {
      return null;
    }
  }

  /**
   * Makes a file that must not exist: with the umask's mode, or for this user alone until it gets
   * another.
   */
  private static void create(Path file, @Nullable Set<PosixFilePermission> laterMode)
      throws IOException {
    try {
      if (laterMode == null) {
        Files.createFile(file); // not createTempFile, whose files nobody else can ever read
      } else {
        Files.createFile(file, OWNER_ONLY);
      }
    } catch (NoSuchFileException e) {
      throw new IOException("there is no folder " + file.getParent(), e);
    } catch (AccessDeniedException e) {
      throw new IOException("access to the folder " + file.getParent() + " is denied", e);
    } catch (IOException e) {
      throw new IOException(file.getParent() + ": " + Reason.of(e), e);
    }
  }

  /** A stream that no interrupt closes, to a file that is there and no link. */
  private static OutputStream open(Path file) throws IOException {
    return Files.newOutputStream(file, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS);
  }

  /**
   * Streams cannot be forced with the reason of a failure; a channel that an interrupt closed is
   * opened anew.
   */
  private static void force(Path path, OpenOption access) throws IOException {
    boolean interrupted = false;
    try {
      while (true) {
        interrupted |= Thread.interrupted();
        try (FileChannel channel = FileChannel.open(path, access)) {
          channel.force(true);
          return;
        } catch (ClosedByInterruptException e) {
          interrupted = true;
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /**
   * Makes the rename last, where the file system can. The new file is there by now: a folder that
   * cannot be forced (CIFS, 9p) or not be read is no failure.
   */
  static void forceFolder(Path file) {
    try {
      force(Objects.requireNonNull(file.getParent()), StandardOpenOption.READ);
    } catch (IOException e) {
      // As said.
    }
  }

  private static void remove(Path temporary, Throwable failure) {
    try {
      Files.deleteIfExists(temporary);
    } catch (IOException e) {
      failure.addSuppressed(e);
    }
  }

  /**
   * Writes all that remains in a buffer, of whatever kind of memory.
   *
   * @param out to write to
   * @param bytes to write
   * @throws IOException if that fails
   */
  public static void writeFully(OutputStream out, ByteBuffer bytes) throws IOException {
    byte[] chunk = new byte[Math.min(bytes.remaining(), CHUNK)];
    while (bytes.hasRemaining()) {
      int count = Math.min(bytes.remaining(), CHUNK);
      bytes.get(chunk, 0, count);
      out.write(chunk, 0, count);
    }
  }
}
