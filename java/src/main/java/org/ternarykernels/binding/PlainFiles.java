package org.ternarykernels.binding;

import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.UUID;

/**
 * Whole files by streams. A thread that is interrupted closes the channels it uses, and with them
 * fails whatever it reads or writes; streams do not ask.
 */
final class PlainFiles {
  private static final FileAttribute<?> OWNER_ONLY =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));

  private PlainFiles() {}

  static byte[] read(Path file) throws IOException {
    try (FileInputStream in = new FileInputStream(file.toFile())) {
      return in.readAllBytes();
    }
  }

  /** Makes a file that must not exist, for this user alone, and forces it to the disk. */
  static void create(Path file, byte[] content) throws IOException {
    Files.createFile(file, OWNER_ONLY);
    try (FileOutputStream out = new FileOutputStream(file.toFile())) {
      out.write(content);
      out.getFD().sync();
    }
  }

  /** Puts a file in its place whole, with a mode, whatever was there; no other file is left. */
  static void replace(Path file, byte[] content, String mode) throws IOException {
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
