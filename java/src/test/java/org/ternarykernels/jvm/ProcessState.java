package org.ternarykernels.jvm;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/** What this process holds, as Linux tells it. */
public final class ProcessState {
  private ProcessState() {}

  public static long residentKilobytes() throws IOException {
    return status("VmRSS:");
  }

  /** The most that was resident so far. */
  public static long peakKilobytes() throws IOException {
    return status("VmHWM:");
  }

  /** Threads, native ones included. */
  public static long threads() throws IOException {
    return status("Threads:");
  }

  private static long status(String label) throws IOException {
    try (Stream<String> lines = Files.lines(Path.of("/proc/self/status"))) {
      String line = lines.filter(l -> l.startsWith(label)).findFirst().orElseThrow();
      return Long.parseLong(line.replaceAll("\\D", ""));
    }
  }

  /** Open files, pipes and sockets. */
  public static long descriptors() throws IOException {
    try (Stream<Path> open = Files.list(Path.of("/proc/self/fd"))) {
      return open.count();
    }
  }

  /** Files of the process's mappings whose name contains a text. */
  public static long mapped(String text) throws IOException {
    try (Stream<String> lines = Files.lines(Path.of("/proc/self/maps"))) {
      return lines
          .filter(line -> line.contains(text))
          .map(line -> line.substring(line.indexOf('/')))
          .distinct()
          .count();
    }
  }

  /** Lets the collector and the cleaners do what they have to do. */
  public static void settle() throws InterruptedException {
    for (int i = 0; i < 5; i++) {
      System.gc();
      Thread.sleep(60);
    }
  }
}
