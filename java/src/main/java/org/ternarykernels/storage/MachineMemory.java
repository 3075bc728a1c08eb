package org.ternarykernels.storage;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** How much memory there is: the machine's, or what a container may use of it. */
public final class MachineMemory {
  private static final Path MACHINE = Path.of("/proc/meminfo");
  private static final Pattern TOTAL = Pattern.compile("MemTotal:\\s+(\\d{1,15}) kB");

  /** Limits of the control group, versions 2 and 1, where a container sees its own. */
  private static final Path[] CONTAINER = {
    Path.of("/sys/fs/cgroup/memory.max"), Path.of("/sys/fs/cgroup/memory/memory.limit_in_bytes")
  };

  private MachineMemory() {}

  /**
   * The physical memory. Not from the JDK, which has it in a module that trimmed runtimes lack.
   *
   * @return bytes; {@code Long.MAX_VALUE} where nothing tells
   */
  public static long bytes() {
    Matcher total = TOTAL.matcher(text(MACHINE));
    long bytes = total.find() ? Long.parseLong(total.group(1)) * 1024 : Long.MAX_VALUE;
    for (Path limit : CONTAINER) {
      String text = text(limit);
      if (text.matches("\\d{1,18}")) { // "max" and what has more digits are no limit
        bytes = Math.min(bytes, Long.parseLong(text));
      }
    }
    return bytes;
  }

  private static String text(Path file) {
    try {
      return Files.readString(file).strip();
    } catch (IOException e) {
      return "";
    }
  }
}
