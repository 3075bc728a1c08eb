package org.ternarykernels.binding;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.zip.CRC32;

/**
 * Where natives are extracted to: a folder that only this user can write, named by what is in it.
 * Loading a library is running it, so neither the folder nor a file in it may be anybody else's.
 *
 * <p>Several processes may extract at once: each writes a temporary file and renames it, and all
 * write the same bytes.
 */
final class NativeCache {
  static final String PROPERTY = "ternary.cache.dir";
  static final String VARIABLE = "TERNARY_CACHE_DIR";
  static final String ADVICE =
      "; set the system property "
          + PROPERTY
          + " or the environment variable "
          + VARIABLE
          + " to a folder of your own that you can write to and run libraries from, or "
          + NativeLibraries.PATH_PROPERTY
          + " to one with natives that were extracted beforehand";
  private static final FileAttribute<?> OWNER_ONLY =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));

  /** Age of what a killed process left before it is swept; no extraction takes that long. */
  private static final Duration LEFT_OVER = Duration.ofHours(1);

  private final Path root;

  NativeCache(Path root) {
    this.root = root.toAbsolutePath();
  }

  /** The cache that properties and environment name, else one in the user's home. */
  static NativeCache ofProcess() throws IOException {
    String property = System.getProperty(PROPERTY);
    String variable = System.getenv(VARIABLE);
    String xdg = System.getenv("XDG_CACHE_HOME");
    String home = System.getProperty("user.home");
    try {
      return new NativeCache(choose(property, variable, xdg, home));
    } catch (InvalidPathException e) {
      if ((property != null && !property.isEmpty()) || (variable != null && !variable.isEmpty())) {
        throw e;
      }
      // A home that this locale cannot name: the temporary folder has room for one of our own.
      return new NativeCache(ownFolder(Path.of(System.getProperty("java.io.tmpdir"))));
    }
  }

  /** This user's in a folder that others use too. */
  private static Path ownFolder(Path shared) throws IOException {
    return shared.resolve("ternary-kernels-" + TrustedPath.user());
  }

  static Path choose(String property, String variable, String xdg, String home) {
    if (property != null && !property.isEmpty()) {
      return Path.of(property);
    }
    if (variable != null && !variable.isEmpty()) {
      return Path.of(variable);
    }
    // The XDG specification: a relative path is to be ignored.
    // A user without a home has "?" for one: the root folder cannot be written to, and the error
    // has the advice.
    boolean hasHome = home != null && home.startsWith("/");
    Path base =
        xdg != null && xdg.startsWith("/") ? Path.of(xdg) : Path.of(hasHome ? home : "/", ".cache");
    return base.resolve("ternary-kernels");
  }

  /**
   * Makes files available in one folder.
   *
   * @param version of the library, for the user's eyes: checksums tell contents apart
   * @param files content by name
   * @param companions what else will be {@link #add added} to the folder, in words that tell it
   *     from others; may be empty
   * @return the folder
   * @throws IOException if they cannot be written, or the folder is not this user's alone; the
   *     sentence has the advice
   */
  Path extract(String version, Map<String, byte[]> files, String companions) throws IOException {
    try {
      Files.createDirectories(root.getParent() == null ? root : root.getParent());
      TrustedPath.checkParents(root);
      // In a mounted volume, say, that others write to as well, a folder is this user's all the
      // same.
      boolean shared = Files.isDirectory(root) && TrustedPath.isShared(root);
      Path own = shared ? ownFolder(root) : root;
      Path folder = own.resolve(version + "-" + checksums(files, companions));
      createPrivate(own);
      createPrivate(folder);
      for (Map.Entry<String, byte[]> file : files.entrySet()) {
        place(folder.resolve(file.getKey()), PlainFiles.Content.of(file.getValue()));
      }
      sweep(folder);
      return folder;
    } catch (IOException e) {
      throw new IOException(describe(e) + ADVICE, e);
    }
  }

  /**
   * Makes a further file available in a folder of {@link #extract}.
   *
   * @throws IOException as there
   */
  static void add(Path folder, String name, PlainFiles.Content content) throws IOException {
    try {
      TrustedPath.check(folder);
      place(folder.resolve(name), content);
    } catch (IOException e) {
      throw new IOException(describe(e) + ADVICE, e);
    }
  }

  static String describe(Throwable e) {
    return e.getClass() == IOException.class || e instanceof Error
        ? String.valueOf(e.getMessage())
        : e.getClass().getSimpleName() + ": " + e.getMessage();
  }

  private static void createPrivate(Path folder) throws IOException {
    if (!Files.isDirectory(folder)) {
      try {
        Files.createDirectory(folder, OWNER_ONLY);
      } catch (FileAlreadyExistsException e) {
        // Another process was faster; what it made is checked below like any other.
      }
    }
    TrustedPath.check(folder);
  }

  private static void place(Path file, PlainFiles.Content content) throws IOException {
    if (Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
      TrustedPath.check(file);
      if (Files.isRegularFile(file) && PlainFiles.holds(file, content)) {
        return;
      }
    }
    // Half-written or damaged files are replaced, never repaired in place: a process may have them
    // mapped.
    PlainFiles.replace(file, content, "rwx------");
  }

  /** Removes what killed processes left: temporary files, and copies for further class loaders. */
  private static void sweep(Path folder) {
    FileTime old = FileTime.from(Instant.now().minus(LEFT_OVER));
    try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, "{*.tmp,libjni*-*.so}")) {
      for (Path file : files) {
        if (Files.getLastModifiedTime(file).compareTo(old) < 0) {
          Files.deleteIfExists(file);
        }
      }
    } catch (IOException | DirectoryIteratorException e) {
      // A folder of root's, or another process sweeps too.
    }
  }

  /**
   * Names the content. A checksum will do, since files are compared byte by byte; it is native
   * code, where SHA-256 takes 70 ms of a JVM that has not compiled it yet.
   */
  private static String checksums(Map<String, byte[]> files, String companions) {
    StringBuilder text = new StringBuilder();
    for (byte[] content : files.values()) {
      text.append(checksum(content));
    }
    return companions.isEmpty()
        ? text.toString()
        : text + "-" + checksum(companions.getBytes(StandardCharsets.UTF_8));
  }

  private static String checksum(byte[] content) {
    CRC32 crc = new CRC32();
    crc.update(content);
    return String.format("%08x", crc.getValue());
  }
}
