package org.ternarykernels.storage;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;

/** Paths in a folder that lead to no regular file. */
public final class SpecialFiles {
  private SpecialFiles() {}

  /** A named pipe that nobody has open. */
  public static Path fifo(Path folder) throws Exception {
    Path fifo = folder.resolve("fifo");
    Process process = new ProcessBuilder("mkfifo", fifo.toString()).inheritIO().start();
    assertThat(process.waitFor()).isZero();
    return fifo;
  }

  /** A link that leads where /dev/stdout does. */
  public static Path standardOutput(Path folder) throws Exception {
    return Files.createSymbolicLink(folder.resolve("stdout"), Path.of("/proc/self/fd/1"));
  }
}
