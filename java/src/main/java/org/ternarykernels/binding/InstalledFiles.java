package org.ternarykernels.binding;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;

/** Natives that {@code org.ternarykernels.Natives} has extracted, which are never written here. */
final class InstalledFiles {
  private static final String COMMAND =
      "java -cp ternary-kernels.jar org.ternarykernels.Natives DIR";

  private InstalledFiles() {}

  /**
   * Refuses a file that is not the one of this jar.
   *
   * @throws IOException with the command that makes the right one
   */
  static void check(Path file, PlainFiles.Content content) throws IOException {
    if (!Files.isRegularFile(file)) {
      throw new IOException(
          NativeLibraries.PATH_PROPERTY
              + " names "
              + file.getParent()
              + ", which has no "
              + file.getFileName()
              + "; extract the natives there with "
              + COMMAND);
    }
    PosixFileAttributes attributes = Files.readAttributes(file, PosixFileAttributes.class);
    if (attributes.permissions().contains(PosixFilePermission.OTHERS_WRITE)) {
      throw new IOException(file + " is writable by everybody, must not be");
    }
    if (!PlainFiles.holds(file, content)) {
      throw new IOException(
          file
              + " is not the file of this version of the jar; extract the natives anew with "
              + COMMAND);
    }
  }
}
