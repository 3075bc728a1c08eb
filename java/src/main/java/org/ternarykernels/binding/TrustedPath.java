package org.ternarykernels.binding;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.Objects;

/**
 * Whether nobody but this user and root can change what a path leads to. Loading a library is
 * running it.
 */
final class TrustedPath {
  private static final int SYMBOLIC_LINK = 0120000;
  private static final int TYPE = 0170000;
  private static final int STICKY = 01000;
  private static final int GROUP_WRITE = 0020;
  private static final int OTHERS_WRITE = 0002;

  private TrustedPath() {}

  /**
   * Refuses a folder or file that another user owns or may write to. Root's are as safe as ours.
   */
  static void check(Path path) throws IOException {
    Map<String, Object> found = attributes(path, LinkOption.NOFOLLOW_LINKS);
    int mode = number(found, "mode");
    int owner = number(found, "uid");
    if ((mode & TYPE) == SYMBOLIC_LINK) {
      throw new IOException(path + " is a symbolic link, must not be one");
    }
    if (owner != user() && owner != 0) {
      throw new IOException(
          path
              + " belongs to user "
              + owner
              + ", must belong to this process's user "
              + user()
              + " or to root");
    }
    if ((mode & (GROUP_WRITE | OTHERS_WRITE)) != 0) {
      throw new IOException(
          path + " has the mode " + text(path) + ", must not be writable by others");
    }
  }

  /**
   * Refuses a path below a folder in which everybody may rename what is not theirs: between check
   * and use it could become another.
   */
  static void checkParents(Path path) throws IOException {
    for (Path parent = path.toAbsolutePath().getParent();
        parent != null;
        parent = parent.getParent()) {
      if (!Files.exists(parent)) {
        continue;
      }
      int mode = number(attributes(parent), "mode");
      if ((mode & OTHERS_WRITE) != 0 && (mode & STICKY) == 0) {
        throw new IOException(
            path
                + " lies below "
                + parent
                + ", which has the mode "
                + text(parent)
                + " and no sticky bit: anybody could exchange it");
      }
    }
  }

  /**
   * Whether others may write to a folder without being able to exchange what is ours in it: it is
   * sticky, or this user's or root's and open to a group.
   */
  static boolean isShared(Path folder) throws IOException {
    Map<String, Object> found = attributes(folder, LinkOption.NOFOLLOW_LINKS);
    int mode = number(found, "mode");
    int owner = number(found, "uid");
    if ((mode & TYPE) == SYMBOLIC_LINK) {
      return false;
    }
    boolean sticky = (mode & STICKY) != 0;
    boolean group = (mode & GROUP_WRITE) != 0 && (mode & OTHERS_WRITE) == 0;
    return sticky || (group && (owner == user() || owner == 0));
  }

  /** The effective user of this process, as the kernel has it. */
  static int user() throws IOException {
    return (Integer) Files.getAttribute(Path.of("/proc/self"), "unix:uid");
  }

  private static Map<String, Object> attributes(Path path, LinkOption... options)
      throws IOException {
    return Files.readAttributes(path, "unix:mode,uid", options);
  }

  private static int number(Map<String, Object> attributes, String name) {
    return (Integer) Objects.requireNonNull(attributes.get(name));
  }

  private static String text(Path path) throws IOException {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
  }
}
