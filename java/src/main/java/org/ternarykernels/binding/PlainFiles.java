package org.ternarykernels.binding;

import java.io.ByteArrayInputStream;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.UUID;

/**
 * Whole files by streams. A thread that is interrupted closes the channels it uses, and with them
 * fails whatever it reads or writes; streams do not ask.
 *
 * <p>Files are never in the heap as a whole: a library of GPU kernels has 23 MB, and a JVM may have
 * 64.
 */
final class PlainFiles {
  private static final FileAttribute<?> OWNER_ONLY =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));

  private static final int BLOCK = 1 << 16;

  private PlainFiles() {}

  /** What a file is to hold; it can be read more than once. */
  @FunctionalInterface
  interface Content {
    InputStream open() throws IOException;

    static Content of(byte[] bytes) {
      return () -> new ByteArrayInputStream(bytes);
    }

    static Content of(Path file) {
      return () -> new FileInputStream(file.toFile());
    }
  }

  /** Whether the file has these bytes and no others. */
  static boolean holds(Path file, Content content) throws IOException {
    byte[] found = new byte[BLOCK];
    byte[] wanted = new byte[BLOCK];
    try (InputStream in = Content.of(file).open();
        InputStream given = content.open()) {
      int count;
      do {
        count = in.readNBytes(found, 0, BLOCK);
        if (given.readNBytes(wanted, 0, BLOCK) != count
            || !Arrays.equals(found, 0, count, wanted, 0, count)) {
          return false;
        }
      } while (count == BLOCK);
      return true;
    }
  }

  /** Makes a file that must not exist, for this user alone, and forces it to the disk. */
  static void create(Path file, Content content) throws IOException {
    Files.createFile(file, OWNER_ONLY);
    try (InputStream in = content.open();
        FileOutputStream out = new FileOutputStream(file.toFile())) {
      in.transferTo(out);
      out.getFD().sync();
    }
  }

  /** Puts a file in its place whole, with a mode, whatever was there; no other file is left. */
  static void replace(Path file, Content content, String mode) throws IOException {
    Path temporary = file.resolveSibling(file.getFileName() + "." + UUID.randomUUID() + ".tmp");
    try {
      create(temporary, content);
      Files.setPosixFilePermissions(temporary, PosixFilePermissions.fromString(mode));
      Files.move(
          temporary, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (AtomicMoveNotSupportedException e) {
      throw new IOException(
          file.getParent() + " cannot rename files atomically, must be able to", e);
    } finally {
      Files.deleteIfExists(temporary);
    }
  }
}
