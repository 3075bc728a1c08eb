package org.ternarykernels.binding;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import java.util.zip.CRC32;
import org.ternarykernels.storage.AtomicFile;

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
          + " to a folder of your own that you can write to and run libraries from";
  private static final FileAttribute<?> OWNER_ONLY =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));
  private static final Set<PosixFilePermission> WRITABLE_BY_OTHERS =
      Set.of(PosixFilePermission.GROUP_WRITE, PosixFilePermission.OTHERS_WRITE);

  private final Path root;

  NativeCache(Path root) {
    this.root = root.toAbsolutePath();
  }

  /** The cache that properties and environment name, else one in the user's home. */
  static NativeCache ofProcess() {
    return new NativeCache(
        choose(
            System.getProperty(PROPERTY),
            System.getenv(VARIABLE),
            System.getenv("XDG_CACHE_HOME"),
            System.getProperty("user.home")));
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
    Path folder = root.resolve(version + "-" + checksums(files, companions));
    try {
      Files.createDirectories(root.getParent() == null ? root : root.getParent());
      createPrivate(root);
      createPrivate(folder);
      for (Map.Entry<String, byte[]> file : files.entrySet()) {
        place(folder.resolve(file.getKey()), file.getValue());
      }
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
  static void add(Path folder, String name, byte[] content) throws IOException {
    try {
      checkOwn(folder);
      place(folder.resolve(name), content);
    } catch (IOException e) {
      throw new IOException(describe(e) + ADVICE, e);
    }
  }

  private static String describe(IOException e) {
    return e.getClass() == IOException.class
        ? e.getMessage()
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
    checkOwn(folder);
  }

  /** Refuses a folder or file that another user owns or may write to. */
  private static void checkOwn(Path path) throws IOException {
    PosixFileAttributes attributes =
        Files.readAttributes(path, PosixFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
    if (attributes.isSymbolicLink()) {
      throw new IOException(path + " is a symbolic link, must not be one");
    }
    int owner = (Integer) Files.getAttribute(path, "unix:uid", LinkOption.NOFOLLOW_LINKS);
    int user = (Integer) Files.getAttribute(Path.of("/proc/self"), "unix:uid");
    if (owner != user) {
      throw new IOException(
          path + " belongs to user " + owner + ", must belong to this process's user " + user);
    }
    for (PosixFilePermission permission : WRITABLE_BY_OTHERS) {
      if (attributes.permissions().contains(permission)) {
        throw new IOException(
            path
                + " has the mode "
                + PosixFilePermissions.toString(attributes.permissions())
                + ", must not be writable by others");
      }
    }
  }

  private static void place(Path file, byte[] content) throws IOException {
    if (Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
      checkOwn(file);
      if (Files.size(file) == content.length && Arrays.equals(Files.readAllBytes(file), content)) {
        return;
      }
    }
    // Half-written or damaged files are replaced, never repaired in place: a process may have them
    // mapped.
    try {
      AtomicFile.write(
          file, channel -> AtomicFile.writeFully(channel, ByteBuffer.wrap(content)), OWNER_ONLY);
    } catch (AtomicMoveNotSupportedException e) {
      throw new IOException(
          file.getParent() + " cannot rename files atomically, must be able to", e);
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
