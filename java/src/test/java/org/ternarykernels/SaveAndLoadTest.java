package org.ternarykernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ternarykernels.storage.SpecialFiles;

/** Weight files where disks, paths and threads are not as they should be. */
class SaveAndLoadTest {
  private static final String LIMIT = "ternary.max.weight.file";

  @TempDir Path folder;

  @AfterEach
  void defaultLimit() {
    System.clearProperty(LIMIT);
  }

  private static TernaryWeights weights(int n, int k, float alpha) {
    return TernaryWeights.pack(new byte[n * k], n, k, Alpha.tensor(alpha));
  }

  private static float alpha(Path file) {
    try (TernaryWeights weights = TernaryWeights.load(file)) {
      return weights.alpha().values()[0];
    }
  }

  @Test
  void savingOverAFileKeepsItsModeAndALink() throws IOException {
    Path file = folder.resolve("w");
    Path link = Files.createSymbolicLink(folder.resolve("link"), file);
    try (TernaryWeights weights = weights(4, 16, 2)) {
      weights.save(file);
      Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
      weights.save(link);
    }
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
        .isEqualTo("rw-------");
    assertThat(link).isSymbolicLink();
    assertThat(Files.isSymbolicLink(file)).isFalse();
    assertThat(alpha(file)).isEqualTo(2);
  }

  @Test
  void whatIsNoRegularFileIsNotReplaced() throws Exception {
    Path fifo = SpecialFiles.fifo(folder);
    try (TernaryWeights weights = weights(4, 16, 1)) {
      assertThatThrownBy(() -> weights.save(fifo))
          .isInstanceOf(UncheckedIOException.class)
          .hasMessageContainingAll(fifo.toString(), "no regular file");
    }
  }

  @Test
  void whatIsNoRegularFileIsNotWaitedFor() throws Exception {
    for (Path path : new Path[] {SpecialFiles.fifo(folder), folder}) {
      assertTimeoutPreemptively(
          Duration.ofSeconds(5),
          () ->
              assertThatThrownBy(() -> TernaryWeights.load(path))
                  .isInstanceOf(UncheckedIOException.class)
                  .hasMessageContainingAll(path.toString(), "no regular file"));
    }
  }

  /** A header that is right, before as many bytes as it says, none of them on the disk. */
  private Path sparse(long n, long k) throws IOException {
    ByteBuffer header = ByteBuffer.allocate(64).order(ByteOrder.LITTLE_ENDIAN);
    header.putLong(WeightFile.MAGIC).putInt(1).putInt(64).putLong(n).putLong(k);
    header.putInt(0).putInt(0).putLong(0).putLong(1).putInt(0);
    CRC32C crc = new CRC32C();
    crc.update(header.array(), 0, 60);
    header.putInt((int) crc.getValue());
    Path file = folder.resolve("sparse");
    try (RandomAccessFile access = new RandomAccessFile(file.toFile(), "rw")) {
      access.write(header.array());
      access.setLength(64 + 4 + n * (k / 4));
    }
    return file;
  }

  @Test
  void aFileBeyondTheLimitIsRefused() throws IOException {
    Path file = sparse(1 << 10, 1 << 12);
    System.setProperty(LIMIT, "1048643");
    assertThatThrownBy(() -> TernaryWeights.load(file))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll(file.toString(), "1048644 bytes", "at most 1048643", LIMIT);
    System.setProperty(LIMIT, "1048644");
    assertThatThrownBy(() -> TernaryWeights.load(file)).hasMessageContaining("payload's CRC-32C");
    for (String wrong : new String[] {"", "-1", "1G", "9999999999999999999"}) {
      System.setProperty(LIMIT, wrong);
      assertThatThrownBy(() -> TernaryWeights.load(file))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContainingAll(LIMIT, "\"" + wrong + "\"", "number of bytes");
    }
  }

  @Test
  void byDefaultHalfOfTheMemoryIsTheLimit() throws IOException {
    long rows =
        Files.readAllLines(Path.of("/proc/meminfo")).stream()
            .filter(line -> line.startsWith("MemTotal:"))
            .mapToLong(
                line -> Long.parseLong(line.replaceAll("\\D", "")) * 1024 / 2 / (1 << 22) + 1)
            .findFirst()
            .orElseThrow();
    Path file = sparse(rows, (1 << 24) - 4);
    long start = System.nanoTime();
    assertThatThrownBy(() -> TernaryWeights.load(file))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(LIMIT);
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(1));
  }

  @Test
  void anInterruptedThreadSavesAndLoadsAndStaysInterrupted() {
    Path file = folder.resolve("w");
    Thread.currentThread().interrupt();
    try (TernaryWeights weights = weights(4, 16, 3)) {
      weights.save(file);
      assertThat(alpha(file)).isEqualTo(3);
    } finally {
      assertThat(Thread.interrupted()).isTrue();
    }
  }

  /** At random moments, of which some are in each step of saving. */
  @Test
  void anInterruptNeitherFailsNorIsLost() throws Exception {
    Path file = folder.resolve("w");
    Random random = new Random(34);
    Thread saver = Thread.currentThread();
    try (TernaryWeights one = weights(512, 512, 1);
        TernaryWeights two = weights(512, 512, 2)) {
      one.save(file);
      long start = System.nanoTime();
      one.save(file);
      int longest = (int) Math.min(20_000_000, 2 * (System.nanoTime() - start));
      for (int i = 0; i < 60; i++) {
        int wait = random.nextInt(longest);
        Thread interrupter =
            new Thread(
                () -> {
                  for (long end = System.nanoTime() + wait; System.nanoTime() < end; ) {
                    Thread.onSpinWait();
                  }
                  saver.interrupt();
                });
        interrupter.start();
        TernaryWeights next = i % 2 == 0 ? two : one;
        next.save(file);
        assertThat(alpha(file)).isEqualTo(next.alpha().values()[0]);
        boolean kept = false;
        while (interrupter.isAlive()) {
          kept |= Thread.interrupted();
        }
        assertThat(kept | Thread.interrupted()).as("interrupted, round " + i).isTrue();
      }
    }
    assertThat(folder).isDirectoryNotContaining("glob:**.tmp");
  }

  /** What a full disk does, by a limit on the size of files. */
  @Test
  void onAFullDiskTheOldFileStaysAlone() throws Exception {
    weights(4, 16, 1).close(); // the natives are extracted by now
    Path said = folder.resolve("said");
    Process process =
        new ProcessBuilder(
                "bash",
                "-c",
                "ulimit -f 64; exec \"$@\"", // of 1024 bytes
                "bash",
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:-UsePerfData", // a file of the JVM's own
                "-Dternary.cache.dir=" + System.getProperty("ternary.cache.dir"),
                "-cp",
                System.getProperty(
                    "surefire.test.class.path", System.getProperty("java.class.path")),
                FullDiskProbe.class.getName(),
                folder.toString())
            .redirectErrorStream(true)
            .redirectOutput(said.toFile())
            .start();
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).as(Files.readString(said)).isZero();
    assertThat(said)
        .content()
        .containsPattern("save: java.io.UncheckedIOException: .*w: File too large")
        .containsPattern("write: java.io.UncheckedIOException: .*w cannot be written: File too l")
        .contains("old file: 5.0")
        .contains("left: [w]");
  }
}
