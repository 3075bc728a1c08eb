package org.ternarykernels.fuzz;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.zip.CRC32C;
import org.ternarykernels.Alpha;
import org.ternarykernels.AlphaKind;
import org.ternarykernels.Layout;
import org.ternarykernels.TernaryException;
import org.ternarykernels.TernaryWeights;
import org.ternarykernels.jvm.ProcessState;

/**
 * Weight files of an attacker who mends the checksums, so that every hostile field gets through to
 * whoever reads it: {@code WeightFileFuzz FOLDER FILES SEED}. Resident memory is bounded, so the
 * JVM's heap must be of one size and touched from the start.
 */
final class WeightFileFuzz {
  private static final int HEADER = 64;
  private static final int LONGEST_SENTENCE = 500;

  /** One of so many is saved again, which waits for the disk. */
  private static final int SAVED = 16;

  private static final int N_AT = 16;
  private static final int K_AT = 24;
  private static final int LAYOUT_AT = 32;
  private static final int KIND_AT = 36;
  private static final int GROUP_AT = 40;
  private static final int COUNT_AT = 48;
  private static final int PAYLOAD_CRC_AT = 56;
  private static final int HEADER_CRC_AT = 60;

  private static final long[] HOSTILE = {
    0,
    1,
    -1,
    2,
    3,
    4,
    15,
    16,
    17,
    31,
    32,
    33,
    63,
    64,
    1 << 16,
    (1 << 24) - 1,
    1 << 24,
    (1L << 31) - 1,
    1L << 31,
    1L << 32,
    1L << 61,
    1L << 62,
    (1L << 63) - 32,
    Long.MAX_VALUE,
    Long.MIN_VALUE,
    0xaaaaaaaaL
  };

  private final Path folder;
  private final int files;
  private final long seed;
  private final Random random;

  private WeightFileFuzz(Path folder, int files, long seed) {
    this.folder = folder;
    this.files = files;
    this.seed = seed;
    this.random = new Random(seed);
  }

  public static void main(String[] arguments) throws IOException {
    WeightFileFuzz fuzz =
        new WeightFileFuzz(
            Path.of(arguments[0]), Integer.parseInt(arguments[1]), Long.parseLong(arguments[2]));
    List<byte[]> good = fuzz.good();
    long resident = ProcessState.residentKilobytes();
    fuzz.mutatedFilesAreLoadedOrRefused(good);
    fuzz.sparseFilesThatNoMemoryHoldsAreRefused();
    assertThat(ProcessState.peakKilobytes() - resident).isLessThan(64 << 10);
    System.out.println("every file was loaded or refused");
  }

  /** Weights of every kind of alpha in both layouts of a file. */
  private List<byte[]> good() throws IOException {
    List<byte[]> files = new ArrayList<>();
    for (AlphaKind kind : AlphaKind.values()) {
      for (Layout layout : new Layout[] {Layout.I2S, Layout.T5_TILED}) {
        int n = 1 + random.nextInt(40);
        int k = 1 + random.nextInt(100);
        byte[] w = new byte[n * k];
        for (int i = 0; i < w.length; i++) {
          w[i] = (byte) (random.nextInt(3) - 1);
        }
        int count =
            switch (kind) {
              case TENSOR -> 1;
              case ROW -> n;
              case COLUMN -> k;
              case GROUP -> n * ((k + 31) / 32);
            };
        float[] scales = new float[count];
        Arrays.fill(scales, 0.5f);
        Alpha alpha = Alpha.of(kind, kind == AlphaKind.GROUP ? 32 : 0, scales);
        Path file = folder.resolve("good");
        try (TernaryWeights weights = TernaryWeights.pack(w, n, k, alpha)) {
          weights.save(file, layout);
        }
        files.add(Files.readAllBytes(file));
      }
    }
    return files;
  }

  private static ByteBuffer fields(byte[] file) {
    return ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static int crc(byte[] bytes, int from, int count) {
    CRC32C crc = new CRC32C();
    crc.update(bytes, from, count);
    return (int) crc.getValue();
  }

  private static void mendChecksums(byte[] file) {
    ByteBuffer fields = fields(file);
    fields.putInt(PAYLOAD_CRC_AT, crc(file, HEADER, file.length - HEADER));
    fields.putInt(HEADER_CRC_AT, crc(file, 0, HEADER_CRC_AT));
  }

  private byte[] mutated(byte[] good) {
    byte[] file = good.clone();
    for (int change = 1 + random.nextInt(3); change > 0; change--) {
      ByteBuffer fields = fields(file);
      long hostile = HOSTILE[random.nextInt(HOSTILE.length)];
      switch (random.nextInt(9)) {
        case 0 -> fields.putLong(N_AT, near(fields.getLong(N_AT), hostile));
        case 1 -> fields.putLong(K_AT, near(fields.getLong(K_AT), hostile));
        case 2 -> fields.putInt(LAYOUT_AT, (int) hostile);
        case 3 -> fields.putInt(KIND_AT, (int) hostile);
        case 4 -> fields.putLong(GROUP_AT, hostile);
        case 5 -> fields.putLong(COUNT_AT, near(fields.getLong(COUNT_AT), hostile));
        case 6 -> { // codes or scales
          if (file.length > HEADER) {
            file[HEADER + random.nextInt(file.length - HEADER)] = (byte) random.nextInt();
          }
        }
        case 7 -> { // a scale, mostly: NaN or infinity
          if (file.length >= HEADER + Float.BYTES) {
            int at = HEADER + Float.BYTES * random.nextInt((file.length - HEADER) / Float.BYTES);
            fields.putInt(at, random.nextBoolean() ? 0x7fc00000 : 0x7f800000);
          }
        }
        default ->
            file = Arrays.copyOf(file, Math.max(HEADER, file.length + random.nextInt(130) - 65));
      }
    }
    if (random.nextInt(20) != 0) {
      mendChecksums(file);
    }
    return file;
  }

  private long near(long right, long hostile) {
    return random.nextInt(3) == 0 ? right + random.nextInt(5) - 2 : hostile;
  }

  private void mutatedFilesAreLoadedOrRefused(List<byte[]> good) throws IOException {
    int loaded = 0;
    for (int i = 0; i < files; i++) {
      Path file = folder.resolve("mutated");
      byte[] bytes = mutated(good.get(random.nextInt(good.size())));
      Files.write(file, bytes);
      Layout kept =
          random.nextBoolean() ? null : Layout.values()[random.nextInt(Layout.values().length)];
      try (TernaryWeights weights =
          kept == null ? TernaryWeights.load(file) : TernaryWeights.load(file, kept)) {
        if (loaded++ % SAVED == 0) {
          assertSavedAgain(weights);
        }
      } catch (IllegalArgumentException | UncheckedIOException | TernaryException e) {
        assertThat(e.getMessage()).isNotBlank();
        int sentence = e.getMessage().length() - file.toString().length();
        assertThat(sentence).as(e.getMessage()).isLessThan(LONGEST_SENTENCE);
      } catch (RuntimeException | OutOfMemoryError e) {
        fail(
            "file " + i + " of seed " + seed + ": " + Arrays.toString(Arrays.copyOf(bytes, HEADER)),
            e);
      }
    }
    assertThat(loaded).isBetween(1, files - 1);
  }

  /** What was loaded is a matrix like any other. */
  private void assertSavedAgain(TernaryWeights weights) {
    Path again = folder.resolve("again");
    weights.save(again);
    weights.repack(Layout.values()[random.nextInt(Layout.values().length)]).close();
    try (TernaryWeights other = TernaryWeights.load(again)) {
      assertThat(other.unpack()).isEqualTo(weights.unpack());
      assertThat(other.alpha()).isEqualTo(weights.alpha());
    }
  }

  /** Files of a few bytes on the disk that are as long as their headers say. */
  private void sparseFilesThatNoMemoryHoldsAreRefused() throws IOException {
    long[][] shapes = {{1 << 20, (1 << 24) - 1}, {(1L << 31) - 1, 1 << 20}};
    int made = 0;
    for (long[] shape : shapes) {
      byte[] header = fields(new byte[HEADER]).array();
      fields(header)
          .putLong(0x575952414e524554L) // TERNARYW
          .putInt(1)
          .putInt(HEADER)
          .putLong(shape[0])
          .putLong(shape[1])
          .putInt(Layout.I2S.ordinal())
          .putInt(AlphaKind.TENSOR.ordinal())
          .putLong(0)
          .putLong(1);
      fields(header).putInt(HEADER_CRC_AT, crc(header, 0, HEADER_CRC_AT));
      Path file = folder.resolve("sparse");
      try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
        sparse.write(header);
        sparse.setLength(HEADER + Float.BYTES + shape[0] * ((shape[1] + 3) / 4));
        made++;
      } catch (IOException e) { // longer than this file system's files
        continue;
      }
      try (TernaryWeights weights = TernaryWeights.load(file)) {
        fail("%s of %d bytes is loaded", weights, Files.size(file));
      } catch (IllegalArgumentException | UncheckedIOException | TernaryException e) {
        assertThat(e.getMessage()).isNotBlank().hasSizeLessThan(LONGEST_SENTENCE);
      }
      Files.delete(file);
    }
    assertThat(made).isPositive();
  }
}
