package org.ternarykernels.storage;

import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Objects;

/**
 * What a path that is to be written leads to. A file is replaced as a whole; a device, a FIFO and
 * an open descriptor have nothing to replace and can only be written to.
 *
 * @param path what the symbolic links end at, which is not a link itself unless it is a descriptor
 * @param kind of what is there
 */
public record Destination(Path path, Kind kind) {
  /** As Linux: more links than these are a circle. */
  private static final int MOST_LINKS = 40;

  private static final int TYPE = 0170000;
  private static final int FIFO_TYPE = 0010000;
  private static final int CHARACTER_DEVICE_TYPE = 0020000;

  /** What can be written to. */
  public enum Kind {
    /** A regular file, or nothing yet. */
    FILE("a regular file"),
    /** A device such as {@code /dev/null} or a terminal. */
    CHARACTER_DEVICE("a character device"),
    /** A named pipe. */
    FIFO("a FIFO"),
    /** An open file of a process, as {@code /dev/stdout} is. */
    DESCRIPTOR("an open descriptor of a process");

    private final String words;

    Kind(String words) {
      this.words = words;
    }
  }

  /**
   * Follows symbolic links, also to what does not exist yet.
   *
   * @param file to be written
   * @return where its content belongs
   * @throws IOException if it cannot be looked up, or is a folder, a block device or a socket
   */
  public static Destination of(Path file) throws IOException {
    try {
      Path path = file.toAbsolutePath();
      for (int links = 0; Files.isSymbolicLink(path); links++) {
        // Such a link's text names the file that was opened, which may have moved, or no file.
        if (isDescriptor(path)) {
          return new Destination(path, Kind.DESCRIPTOR);
        }
        if (links == MOST_LINKS) {
          throw new IOException("it is a symbolic link that leads in a circle");
        }
        path = path.resolveSibling(Files.readSymbolicLink(path));
      }
      return new Destination(path, kind(path));
    } catch (FileSystemException e) {
      throw new IOException(Reason.of(e), e);
    }
  }

  private static boolean isDescriptor(Path link) throws IOException {
    Path folder = Objects.requireNonNull(link.getParent()).toRealPath();
    return folder.startsWith("/proc") && folder.endsWith("fd");
  }

  private static Kind kind(Path path) throws IOException {
    BasicFileAttributes found;
    try {
      found = Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
    } catch (NoSuchFileException e) {
      return Kind.FILE;
    }
    if (found.isRegularFile()) {
      return Kind.FILE;
    }
    if (found.isDirectory()) {
      throw new IOException("it is a folder, must be a file");
    }
    Object mode = Files.getAttribute(path, "unix:mode", LinkOption.NOFOLLOW_LINKS);
    return switch ((Integer) Objects.requireNonNull(mode) & TYPE) {
      case FIFO_TYPE -> Kind.FIFO;
      case CHARACTER_DEVICE_TYPE -> Kind.CHARACTER_DEVICE;
      default -> throw new IOException("it is a block device or a socket, must be a file");
    };
  }

  /**
   * The path, which can be replaced.
   *
   * @return an absolute path of a regular file or of nothing
   * @throws IOException if it is no regular file
   */
  public Path file() throws IOException {
    if (kind != Kind.FILE) {
      throw new IOException(
          "it is " + kind.words + ", which is no regular file and cannot be replaced");
    }
    return path;
  }
}
