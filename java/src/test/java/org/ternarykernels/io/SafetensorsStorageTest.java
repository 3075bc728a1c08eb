package org.ternarykernels.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import java.io.IOException;
import java.io.OutputStream;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ternarykernels.DataType;
import org.ternarykernels.TernaryBuffer;
import org.ternarykernels.storage.SpecialFiles;

/** Safetensors files that change, close or are no files while they are used; and writing them. */
class SafetensorsStorageTest {
  @TempDir Path folder;

  /** Bytes that differ from those around them. */
  private static byte[] bytes(int size) {
    byte[] bytes = new byte[size];
    new Random(size).nextBytes(bytes);
    return bytes;
  }

  private Path file(int size) {
    Path path = folder.resolve("t.safetensors");
    new SafetensorsWriter().put("t", TensorType.U8, bytes(size), size).write(path);
    return path;
  }

  @Test
  void whatIsNoRegularFileIsNotReplaced() throws Exception {
    Path fifo = SpecialFiles.fifo(folder);
    SafetensorsWriter writer = new SafetensorsWriter().put("a", new float[1], 1);
    assertThatThrownBy(() -> writer.write(fifo))
        .isInstanceOf(UncheckedIOException.class)
        .hasMessageContainingAll(fifo.toString(), "no regular file");
  }

  @Test
  void whatIsNoRegularFileIsNotWaitedFor() throws Exception {
    for (Path path : new Path[] {SpecialFiles.fifo(folder), folder}) {
      assertTimeoutPreemptively(
          Duration.ofSeconds(5),
          () ->
              assertThatThrownBy(() -> SafetensorsFile.open(path))
                  .isInstanceOf(UncheckedIOException.class)
                  .hasMessageContainingAll(path.toString(), "no regular file"));
    }
  }

  @Test
  void anInterruptedThreadWritesAndReadsAndStaysInterrupted() {
    Thread.currentThread().interrupt();
    try (SafetensorsFile file = SafetensorsFile.open(file(100))) {
      assertThat(file.tensor("t").toBytes()).isEqualTo(bytes(100));
    } finally {
      assertThat(Thread.interrupted()).isTrue();
    }
  }

  /** Truncated, and made whole again, at random moments: right data or an exception. */
  @Test
  void aFileThatChangesMeanwhileIsReadRightOrRefused() throws Exception {
    int size = 1 << 20;
    Path path = file(size);
    byte[] whole = Files.readAllBytes(path);
    AtomicBoolean stop = new AtomicBoolean();
    CompletableFuture<Void> changes =
        CompletableFuture.runAsync(
            () -> {
              Random random = new Random(19);
              while (!stop.get()) {
                try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
                  file.setLength(random.nextInt(size));
                  for (int i = random.nextInt(20_000); i > 0; i--) {
                    Thread.onSpinWait();
                  }
                  file.write(whole);
                } catch (IOException e) {
                  throw new UncheckedIOException(e);
                }
              }
            });
    int refused = 0;
    for (int i = 0; i < 400; i++) {
      try (SafetensorsFile file = SafetensorsFile.open(path)) {
        ByteBuffer target =
            i % 2 == 0 ? ByteBuffer.allocate(size) : ByteBuffer.allocateDirect(size);
        file.tensor("t").copyTo(0, target);
        byte[] read = new byte[size];
        target.flip().get(read);
        assertThat(Arrays.mismatch(read, 0, size, whole, whole.length - size, whole.length))
            .isEqualTo(-1);
      } catch (UncheckedIOException | IllegalArgumentException e) {
        refused++;
      }
    }
    stop.set(true);
    changes.join();
    assertThat(refused).as("reads that met a change").isPositive();
  }

  @Test
  void closingInTheMiddleOfAReadIsAnIllegalState() throws Exception {
    Path path = file(4 << 20);
    byte[] right = bytes(4 << 20);
    int interrupted = 0;
    for (int i = 0; i < 200; i++) {
      SafetensorsFile file = SafetensorsFile.open(path);
      Tensor tensor = file.tensor("t");
      Thread closer = new Thread(file::close);
      closer.start();
      try {
        for (int read = 0; read < 3; read++) {
          assertThat(tensor.toBytes()[i]).isEqualTo(right[i]);
        }
      } catch (IllegalStateException e) {
        assertThat(e).hasMessageContainingAll(path.toString(), "closed");
        interrupted++;
      }
      closer.join();
    }
    assertThat(interrupted).as("reads that met the close").isPositive();
  }

  @Test
  void bytesWithoutASignBecomeFloatsWithoutOne() {
    Path path = folder.resolve("u.safetensors");
    new SafetensorsWriter()
        .put("u", TensorType.U8, new byte[] {0, 127, -128, -1}, 4)
        .put("none", TensorType.U8, new byte[0], 0)
        .write(path);
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      assertThat(file.tensor("u").toFloats()).containsExactly(0, 127, 128, 255);
      assertThat(file.tensor("none").toFloats()).isEmpty();
    }
  }

  @Test
  void whatTheWriterWritesTheReaderReads() {
    Path path = folder.resolve("all.safetensors");
    String[] names = {"", "a.b", "\"\\\n\u0000", "\u00fc", "\ud83d\ude00", "n".repeat(10_000)};
    SafetensorsWriter writer = new SafetensorsWriter();
    for (String name : names) {
      writer.put(name, TensorType.I8, new byte[] {7}, 1, 1, 1, 1, 1, 1, 1, 1).metadata(name, name);
    }
    for (TensorType type : TensorType.values()) {
      writer.put("none of " + type, type, new byte[0], 3, 0);
      writer.put("one of " + type, type, new byte[] {1, 2, 3, 4, 5, 6, 7, 8});
    }
    writer.put("native", TernaryBuffer.copyOf(DataType.F16, 1, 2), 2);
    writer.write(path);
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      for (String name : names) {
        assertThat(file.tensor(name).toBytes()).containsExactly(7);
        assertThat(file.metadata()).containsEntry(name, name);
      }
      for (TensorType type : TensorType.values()) {
        assertThat(file.tensor("none of " + type).shape()).containsExactly(3, 0);
        assertThat(file.tensor("one of " + type).type()).isEqualTo(type);
      }
      assertThat(file.tensor("native").toFloats()).containsExactly(1, 2);
    }
  }

  @Test
  void whatTheReaderRefusesIsNotWritten() {
    SafetensorsWriter writer = new SafetensorsWriter();
    String half = "\ud83d";
    assertThatThrownBy(() -> writer.put(half, new float[1], 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("surrogate");
    assertThatThrownBy(() -> writer.metadata("a", half))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("surrogate");
    String part = "x".repeat(50_000_000);
    writer.metadata("first", part).metadata("second", part);
    assertThatThrownBy(() -> writer.writeTo(OutputStream.nullOutputStream()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll("100000011 characters", "at most 100000000");
    writer.metadata("second", "");
    Path path = folder.resolve("x");
    writer.put(part, new float[1], 1);
    assertThatThrownBy(() -> writer.write(path))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll("characters", "at most 100000000");
    assertThat(folder).isEmptyDirectory();
  }
}
