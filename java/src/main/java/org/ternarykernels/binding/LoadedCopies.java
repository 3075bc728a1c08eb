package org.ternarykernels.binding;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Loads the JNI library once a class loader. A JVM gives one file to one class loader, so the first
 * in the process takes the file in the cache, and each further one a copy of its own.
 */
final class LoadedCopies {
  /** Counts the class loaders that have asked, in all copies of this class: a system property. */
  static final String PROPERTY = "org.ternarykernels.loaders";

  private static int number;

  private LoadedCopies() {}

  /** Which of the process's class loaders this is: 1 for the first. */
  static synchronized int ofThisLoader() {
    if (number == 0) {
      Object count =
          System.getProperties()
              .compute(
                  PROPERTY,
                  (key, value) ->
                      value == null ? "1" : String.valueOf(Integer.parseInt((String) value) + 1));
      number = Integer.parseInt((String) count);
    }
    return number;
  }

  /**
   * Loads a library, or a copy of it.
   *
   * @param file in the cache
   * @param loader the number of this class loader
   * @throws UnsatisfiedLinkError if it cannot be loaded
   */
  static void load(Path file, int loader) {
    if (loader == 1) {
      try {
        System.load(file.toString());
        return;
      } catch (UnsatisfiedLinkError e) { // an old glibc, a folder mounted noexec
        // Or the property was lost, with System.setProperties: then this loader is not the first.
        if (!NativeLibraries.isTaken(e)) {
          throw NativeLibraries.error(
              file
                  + " cannot be loaded: "
                  + e.getMessage()
                  + "; "
                  + NativeLibraries.SUPPORTED
                  + NativeCache.ADVICE,
              e);
        }
      }
    }
    loadCopy(file);
  }

  private static void loadCopy(Path file) {
    Path beside = file.toAbsolutePath().resolveSibling("");
    Path temporary = Path.of(System.getProperty("java.io.tmpdir")).toAbsolutePath();
    Throwable first = tryCopy(file, beside);
    if (first == null) {
      return;
    }
    Throwable second = tryCopy(file, temporary);
    if (second == null) {
      return;
    }
    second.addSuppressed(first);
    throw NativeLibraries.error(
        "this is a further class loader with "
            + file.getFileName()
            + ", which needs a copy of its own, and none can be loaded from "
            + beside
            + " ("
            + NativeCache.describe(first)
            + ") or the system property java.io.tmpdir, "
            + temporary
            + " ("
            + NativeCache.describe(second)
            + ")"
            + NativeCache.ADVICE,
        second);
  }

  /** Null, or why not. */
  private static @Nullable Throwable tryCopy(Path file, Path folder) {
    String name = file.getFileName().toString();
    Path copy = folder.resolve(name.replace(".so", "-" + UUID.randomUUID() + ".so"));
    try {
      TrustedPath.checkParents(copy);
      PlainFiles.create(copy, PlainFiles.Content.of(file));
      System.load(copy.toString());
      return null;
    } catch (IOException | UnsatisfiedLinkError e) {
      return e;
    } finally {
      delete(copy); // the mapping stays
    }
  }

  private static void delete(Path copy) {
    try {
      Files.deleteIfExists(copy);
    } catch (IOException e) {
      // The next start's sweep takes it (NativeCache).
    }
  }
}
