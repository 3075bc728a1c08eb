package org.ternarykernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.Random;
import java.util.function.Consumer;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class WeightFileTest {
  private static final int N = 6;
  private static final int K = 70;

  @TempDir Path folder;
  private final Random random = new Random(6);

  private TernaryWeights weights(AlphaKind kind) {
    long group = kind == AlphaKind.GROUP ? 32 : 0;
    float[] alpha = Problems.floats(random, (int) Alpha.count(kind, group, N, K));
    return TernaryWeights.pack(Problems.ternary(random, N * K), N, K, Alpha.of(kind, group, alpha));
  }

  private byte[] file(AlphaKind kind) throws IOException {
    return file(kind, Layout.I2S);
  }

  private byte[] file(AlphaKind kind, Layout layout) throws IOException {
    Path path = folder.resolve("w");
    try (TernaryWeights weights = weights(kind)) {
      weights.save(path, layout);
    }
    return Files.readAllBytes(path);
  }

  private static String mode(Path path) throws IOException {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
  }

  private static TernaryWeights read(byte[] bytes) throws IOException {
    return WeightFile.read(new ByteArrayInputStream(bytes), bytes.length, null);
  }

  /**
   * Changes a header and makes its checksum right again: a file that lies, not one that is damaged.
   */
  private static byte[] lie(byte[] file, Consumer<ByteBuffer> change) {
    byte[] copy = file.clone();
    ByteBuffer header = ByteBuffer.wrap(copy).order(ByteOrder.LITTLE_ENDIAN);
    change.accept(header);
    CRC32C crc = new CRC32C();
    crc.update(copy, 0, 60);
    header.putInt(60, (int) crc.getValue());
    return copy;
  }

  private static void assertRejected(byte[] file, String... parts) {
    assertThatThrownBy(() -> read(file))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll(parts);
  }

  @ParameterizedTest
  @EnumSource(AlphaKind.class)
  void comesBackAsItWas(AlphaKind kind) throws IOException {
    Path path = folder.resolve("weights.tern");
    try (TernaryWeights weights = weights(kind)) {
      weights.save(path);
      weights.save(path); // replaces
      try (TernaryWeights loaded = TernaryWeights.load(path)) {
        assertThat(loaded.n()).isEqualTo(N);
        assertThat(loaded.k()).isEqualTo(K);
        assertThat(loaded.alpha()).isEqualTo(weights.alpha());
        assertThat(loaded.unpack()).isEqualTo(weights.unpack());
        assertThat(loaded.layout()).isEqualTo(Layout.I2S_TILED);
      }
    }
    assertThat(mode(path))
        .isEqualTo(
            mode(Files.createFile(folder.resolve("usual")))); // the umask's, not a temporary file's
    assertThat(folder).isDirectoryContaining(path::equals).isDirectoryNotContaining("glob:**.tmp");
  }

  @ParameterizedTest
  @EnumSource(AlphaKind.class)
  void carriesT5(AlphaKind kind) throws IOException {
    Path path = folder.resolve("w");
    try (TernaryWeights weights = weights(kind);
        TernaryWeights dense = weights.repack(Layout.T5_TILED)) {
      assertThat(dense.unpack()).isEqualTo(weights.unpack());
      dense.save(path);
      assertThat(Files.size(path))
          .isEqualTo(64 + 4L * weights.alpha().count() + 64 * 4); // 70 columns are 4 tiles of 20
      try (TernaryWeights loaded = TernaryWeights.load(path)) {
        assertThat(loaded.layout()).isEqualTo(Layout.T5_TILED);
        assertThat(loaded.alpha()).isEqualTo(weights.alpha());
        assertThat(loaded.unpack()).isEqualTo(weights.unpack());
      }
      byte[] dense5 = Files.readAllBytes(path);
      weights.save(path, Layout.T5_TILED);
      assertThat(Files.readAllBytes(path)).as("the same codes, the same file").isEqualTo(dense5);
      for (Layout file : new Layout[] {Layout.I2S, Layout.T5_TILED}) {
        dense.save(path, file);
        for (Layout layout : Layout.values()) {
          try (TernaryWeights loaded = TernaryWeights.load(path, layout)) {
            assertThat(loaded.layout()).isEqualTo(layout);
            assertThat(loaded.unpack()).isEqualTo(weights.unpack());
          }
        }
      }
      assertThatThrownBy(() -> dense.save(path, Layout.I2S_TILED))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContainingAll("layout", "I2S_TILED", "I2S or T5_TILED");
    }
  }

  /** Files that another implementation wrote: test-data/golden/generate.py. */
  @ParameterizedTest
  @EnumSource(names = {"I2S", "T5_TILED"})
  void agreesWithTheGoldenFiles(Layout layout) throws IOException {
    String name = layout == Layout.I2S ? "weights_i2s.tern" : "weights_t5.tern";
    Path golden = Path.of("../test-data/golden").resolve(name);
    try (TernaryWeights weights = TernaryWeights.load(golden)) {
      assertThat(new long[] {weights.n(), weights.k()}).containsExactly(19, 53);
      byte[] w = weights.unpack();
      for (int i = 0; i < w.length; i++) {
        assertThat(w[i]).as("weight " + i).isEqualTo((byte) (i * 7 % 11 % 3 - 1));
      }
      Path path = folder.resolve("w");
      weights.save(path);
      assertThat(Files.readAllBytes(path)).isEqualTo(Files.readAllBytes(golden));
    }
  }

  @Test
  void hasTheDocumentedForm() throws IOException {
    byte[] codes;
    Path path = folder.resolve("w");
    try (TernaryWeights weights =
        TernaryWeights.pack(new byte[] {1, 0, -1, 1, 0}, 1, 5, Alpha.tensor(0.5f))) {
      weights.save(path);
      codes = weights.codes();
    }
    ByteBuffer file = ByteBuffer.wrap(Files.readAllBytes(path)).order(ByteOrder.LITTLE_ENDIAN);
    assertThat(file.limit()).isEqualTo(64 + 4 + 2);
    byte[] magic = new byte[8];
    file.get(magic);
    assertThat(magic).asString().isEqualTo("TERNARYW");
    assertThat(file.getInt()).as("version").isEqualTo(1);
    assertThat(file.getInt()).as("header bytes").isEqualTo(64);
    assertThat(file.getLong()).as("N").isEqualTo(1);
    assertThat(file.getLong()).as("K").isEqualTo(5);
    assertThat(file.getInt()).as("layout").isZero();
    assertThat(file.getInt()).as("alpha kind").isZero();
    assertThat(file.getLong()).as("group").isZero();
    assertThat(file.getLong()).as("alpha count").isEqualTo(1);
    CRC32C payload = new CRC32C();
    payload.update(file.array(), 64, 6);
    assertThat(file.getInt()).as("payload CRC").isEqualTo((int) payload.getValue());
    CRC32C header = new CRC32C();
    header.update(file.array(), 0, 60);
    assertThat(file.getInt()).as("header CRC").isEqualTo((int) header.getValue());
    assertThat(file.getFloat()).isEqualTo(0.5f);
    assertThat(Arrays.copyOfRange(file.array(), 68, 70))
        .isEqualTo(codes)
        .containsExactly(0b10_00_01_10, 0b01_01_01_01);
  }

  @Test
  void namesTheFileInErrors() throws IOException {
    Path missing = folder.resolve("missing");
    assertThatThrownBy(() -> TernaryWeights.load(missing))
        .isInstanceOf(UncheckedIOException.class)
        .hasMessageContaining(missing.toString());
    Path empty = Files.createFile(folder.resolve("empty"));
    assertThatThrownBy(() -> TernaryWeights.load(empty))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll(empty.toString(), "0 bytes", "64");
    try (TernaryWeights weights = weights(AlphaKind.TENSOR)) {
      Path nowhere = folder.resolve("no/such/folder/w");
      assertThatThrownBy(() -> weights.save(nowhere))
          .isInstanceOf(UncheckedIOException.class)
          .hasMessageContaining(nowhere.toString());
      assertThatThrownBy(() -> weights.save(null)).isInstanceOf(IllegalArgumentException.class);
    }
    assertThatThrownBy(() -> TernaryWeights.load(null))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void rejectsDamage() throws IOException {
    byte[] file = file(AlphaKind.ROW);
    for (int i = 0; i < file.length; i++) {
      byte[] damaged = file.clone();
      damaged[i] ^= (byte) (1 << random.nextInt(8));
      assertThatThrownBy(() -> read(damaged)).isInstanceOf(IllegalArgumentException.class);
    }
    for (int length = 0; length < file.length; length++) {
      assertRejected(Arrays.copyOf(file, length), length < 64 ? "header" : "size");
    }
    assertRejected(Arrays.copyOf(file, file.length + 1), "size");
  }

  @Test
  void rejectsLies() throws IOException {
    byte[] file = file(AlphaKind.GROUP);
    assertRejected(lie(file, h -> h.put(0, (byte) 'X')), "magic number", "weight file");
    assertRejected(lie(file, h -> h.putInt(8, 2)), "format version is 2", "must be 1");
    assertRejected(lie(file, h -> h.putInt(12, 32)), "header size is 32");
    assertRejected(lie(file, h -> h.putLong(16, 0)), "N is 0");
    assertRejected(
        lie(file, h -> h.putLong(16, Long.MAX_VALUE)), "N is 9223372036854775807", "2^31");
    assertRejected(lie(file, h -> h.putLong(16, Integer.MAX_VALUE)), "number of scales");
    assertRejected(lie(file, h -> h.putLong(24, -5)), "K is -5");
    assertRejected(lie(file, h -> h.putLong(24, K + 4)), "size");
    assertRejected(lie(file, h -> h.putInt(32, 1)), "layout is 1", "0 (I2S) or 2 (T5)");
    assertRejected(lie(file, h -> h.putInt(32, 2)), "size"); // of T5
    assertRejected(lie(file, h -> h.putInt(36, 4)), "kind of alpha is 4");
    assertRejected(lie(file, h -> h.putInt(36, -1)), "kind of alpha is -1");
    assertRejected(lie(file, h -> h.putLong(40, 33)), "group is 33");
    assertRejected(lie(file, h -> h.putLong(48, 17)), "number of scales is 17", "18");
    assertRejected(lie(file, h -> h.putInt(56, 1)), "payload's CRC-32C");
  }

  @Test
  void rejectsPayloadsThatBreakARuleThoughTheirChecksumsAreRight() throws IOException {
    byte[] file = file(AlphaKind.TENSOR);
    assertRejected(withPayload(file, p -> p.putFloat(64, Float.NaN)), "alpha[0] is NaN");
    assertRejected(withPayload(file, p -> p.put(68, (byte) 0xff)), "3");
    byte[] dense = file(AlphaKind.TENSOR, Layout.T5_TILED);
    int place = 68 + 64 + 4 * 5 + 1; // row 5 of the second tile
    assertRejected(
        withPayload(dense, p -> p.put(place, (byte) 20)), "row 5, column 21 is 20", "243");
    byte[] padding =
        withPayload(dense, p -> p.put(68 + 4 * N, (byte) 20)); // a row beyond N: ignored
    try (TernaryWeights weights = read(padding)) {
      assertThat(weights.n()).isEqualTo(N);
    }
  }

  private static byte[] withPayload(byte[] file, Consumer<ByteBuffer> change) {
    return lie(
        file,
        bytes -> {
          change.accept(bytes);
          CRC32C crc = new CRC32C();
          crc.update(bytes.array(), 64, bytes.limit() - 64);
          bytes.putInt(56, (int) crc.getValue());
        });
  }

  /**
   * 50 000 mutated files of each layout: each loads or is refused with an IllegalArgumentException.
   */
  @ParameterizedTest
  @EnumSource(names = {"I2S", "T5_TILED"})
  void survivesMutation(Layout layout) throws IOException {
    byte[] file = file(AlphaKind.ROW, layout);
    int loaded = 0;
    for (int i = 0; i < 50_000; i++) {
      byte[] mutant = Mutation.of(random, file);
      // Half of them with right checksums, or the reader would not get past these.
      byte[] tried =
          mutant.length > 64 && random.nextBoolean() ? withPayload(mutant, b -> {}) : mutant;
      try (TernaryWeights weights = read(tried)) {
        assertThat(weights.unpack()).hasSize((int) (weights.n() * weights.k()));
        loaded++;
      } catch (IllegalArgumentException e) {
        assertThat(e.getMessage()).isNotEmpty();
      }
    }
    assertThat(loaded).as("mutants that are weight files").isPositive();
  }
}
