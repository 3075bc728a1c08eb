package org.ternarykernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class TernaryWeightsTest {
  private final Random random = new Random(1);

  private static void assertRejected(ThrowingCallable call, String... parts) {
    assertThatThrownBy(call)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll(parts);
  }

  /** The layout's definition, written anew. */
  private static byte[] i2s(byte[] w, int n, int k) {
    int stride = (k + 3) / 4;
    byte[] codes = new byte[n * stride];
    for (int row = 0; row < n; row++) {
      for (int i = 0; i < stride * 4; i++) {
        int code = i < k ? w[row * k + i] + 1 : 1;
        codes[row * stride + i / 4] |= (byte) (code << 2 * (i % 4));
      }
    }
    return codes;
  }

  @ParameterizedTest
  @CsvSource({"1,1", "3,4", "5,7", "16,16", "33,130", "64,257"})
  void packsAndUnpacks(int n, int k) {
    byte[] w = Problems.ternary(random, n * k);
    try (TernaryWeights weights = TernaryWeights.pack(w, n, k, Alpha.tensor(0.5f))) {
      assertThat(weights.n()).isEqualTo(n);
      assertThat(weights.k()).isEqualTo(k);
      assertThat(weights.alpha()).isEqualTo(Alpha.tensor(0.5f));
      assertThat(weights.layout()).isEqualTo(Layout.I2S_TILED);
      assertThat(weights.codes()).isEqualTo(i2s(w, n, k));
      assertThat(weights.unpack()).isEqualTo(w);
      long tiles = (n + 15L) / 16 * ((k + 15L) / 16) * 64;
      assertThat(weights.byteSize()).isBetween(tiles + 4, tiles + 4L * n + 256);
      try (TernaryWeights plain = weights.repack(Layout.I2S)) {
        assertThat(plain.layout()).isEqualTo(Layout.I2S);
        assertThat(plain.codes()).isEqualTo(weights.codes());
      }
    }
  }

  @Test
  void takesPackedCodesFromBuffersAndArrays() {
    byte[] w = Problems.ternary(random, 6 * 10);
    byte[] codes = i2s(w, 6, 10);
    ByteBuffer direct = ByteBuffer.allocateDirect(codes.length).put(codes).flip();
    try (TernaryWeights a = TernaryWeights.ofI2s(codes, 6, 10, Alpha.tensor(1), Layout.I2S);
        TernaryWeights b = TernaryWeights.ofI2s(direct, 6, 10, Alpha.tensor(1), Layout.I2S_TILED);
        TernaryWeights c =
            TernaryWeights.ofI2s(
                TernaryBuffer.of(direct, DataType.I8), 6, 10, Alpha.tensor(1), Layout.I2S_TILED)) {
      assertThat(a.unpack()).isEqualTo(w).isEqualTo(b.unpack()).isEqualTo(c.unpack());
    }
  }

  @Test
  void stacksThePackingOfPublishedModelsAndIgnoresPaddingRows() {
    int k = 9;
    int[] sizes = {5, 4, 2};
    TernaryBuffer[] packed = new TernaryBuffer[3];
    byte[] all = new byte[0];
    for (int i = 0; i < 3; i++) {
      int n = sizes[i];
      byte[] w = Problems.ternary(random, n * k);
      int rows = (n + 3) / 4;
      ByteBuffer bytes = ByteBuffer.allocateDirect(rows * k);
      for (int row = 0; row < rows * 4; row++) {
        for (int column = 0; column < k; column++) {
          int code = row < n ? w[row * k + column] + 1 : 3; // padding may hold anything
          int at = row % rows * k + column;
          bytes.put(at, (byte) (bytes.get(at) | code << 2 * (row / rows)));
        }
      }
      packed[i] = TernaryBuffer.of(bytes, DataType.I8);
      int start = all.length;
      all = Arrays.copyOf(all, start + w.length);
      System.arraycopy(w, 0, all, start, w.length);
    }
    Alpha alpha = Alpha.segments(sizes, new float[] {1, 2, 3});
    try (TernaryWeights weights =
        TernaryWeights.ofBitNet(packed, new long[] {5, 4, 2}, k, alpha, Layout.I2S_TILED)) {
      assertThat(weights.n()).isEqualTo(11);
      assertThat(weights.unpack()).isEqualTo(all);
    }
    assertRejected(
        () -> TernaryWeights.ofBitNet(packed, new long[] {5, 4}, k, alpha, Layout.I2S_TILED),
        "2 values",
        "3");
    assertRejected(
        () -> TernaryWeights.ofBitNet(packed, new long[] {9, 4, 2}, k, alpha, Layout.I2S_TILED),
        "18 values",
        "27",
        "ceil(N / 4) * K");
    assertRejected(
        () -> TernaryWeights.ofBitNet(packed, new long[] {6, 4, 2}, k, alpha, Layout.I2S_TILED),
        "3");
  }

  /**
   * Where the ladder packing keeps a weight: {byte, bits to shift}, from its definition in {@code
   * ofLadder}.
   */
  private static int[] ladderPlace(int row, int column, int k) {
    int block = row / 16 * (k / 32) + column / 32;
    int word = row % 16 / 8 * 16 + column % 32 / 16 * 8 + row % 8;
    int e = column % 16;
    return new int[] {block * 128 + word * 4 + e % 4, e / 4 * 2};
  }

  private static ByteBuffer ladder(byte[] w, int n, int k) {
    ByteBuffer packed = ByteBuffer.allocateDirect(n * k / 4);
    for (int row = 0; row < n; row++) {
      for (int column = 0; column < k; column++) {
        int[] place = ladderPlace(row, column, k);
        packed.put(place[0], (byte) (packed.get(place[0]) | w[row * k + column] + 2 << place[1]));
      }
    }
    return packed;
  }

  @ParameterizedTest
  @CsvSource({
    "16,32",
    "32,32",
    "16,96",
    "48,160",
    "80,1056",
    "1040,384"
  }) // whole tiles are all that the packing has
  void takesTheLadderPackingOfBitNetCpp(int n, int k) {
    byte[] w = Problems.ternary(random, n * k);
    TernaryBuffer packed = TernaryBuffer.of(ladder(w, n, k), DataType.I8);
    try (TernaryWeights expected = TernaryWeights.pack(w, n, k, Alpha.tensor(0.5f))) {
      for (Layout layout : Layout.values()) {
        try (TernaryWeights weights =
            TernaryWeights.ofLadder(packed, n, k, Alpha.tensor(0.5f), layout)) {
          assertThat(weights.layout()).isEqualTo(layout);
          assertThat(weights.alpha()).isEqualTo(expected.alpha());
          assertThat(weights.codes()).as("%s", layout).isEqualTo(expected.codes());
        }
      }
    }
  }

  @Test
  void rejectsLadderPackingsOfOtherShapesAndBadCodes() {
    int n = 32;
    int k = 64;
    ByteBuffer bytes = ladder(Problems.ternary(random, n * k), n, k);
    TernaryBuffer packed = TernaryBuffer.of(bytes, DataType.I8);
    Alpha alpha = Alpha.tensor(1);
    assertRejected(
        () -> TernaryWeights.ofLadder(packed, 24, k, alpha, Layout.I2S),
        "24 x 64",
        "a multiple of 16 by");
    assertRejected(
        () -> TernaryWeights.ofLadder(packed, n, 48, alpha, Layout.I2S),
        "32 x 48",
        "by a multiple of 32");
    assertRejected(
        () -> TernaryWeights.ofLadder(packed, 0, k, alpha, Layout.I2S), "N is 0", "at least 1");
    assertRejected(
        () -> TernaryWeights.ofLadder(packed, n, 1 << 24, alpha, Layout.I2S),
        "K is 16777216",
        "2^24");
    assertRejected(
        () -> TernaryWeights.ofLadder(packed, n, 2 * k, alpha, Layout.I2S),
        "512 values",
        "1024",
        "N * K / 4");
    assertRejected(
        () -> TernaryWeights.ofLadder(packed, 16, k, alpha, Layout.I2S),
        "512 values",
        "256",
        "N * K / 4");
    assertRejected(() -> TernaryWeights.ofLadder(null, n, k, alpha, Layout.I2S), "packed is null");
    assertRejected(() -> TernaryWeights.ofLadder(packed, n, k, null, Layout.I2S), "alpha is null");
    assertRejected(() -> TernaryWeights.ofLadder(packed, n, k, alpha, null), "layout is null");
    TernaryBuffer floats = TernaryBuffer.allocate(DataType.F32, n * k / 16);
    assertRejected(() -> TernaryWeights.ofLadder(floats, n, k, alpha, Layout.I2S), "F32", "I8");
    int[] place = ladderPlace(29, 37, k);
    bytes.put(
        place[0], (byte) (bytes.get(place[0]) & ~(3 << place[1]))); // codes are w + 2: none is 0
    assertRejected(
        () -> TernaryWeights.ofLadder(packed, n, k, alpha, Layout.I2S), "row 29, column 37 is 0");
  }

  @Test
  void ternarisesAsBitNetAndMangroveDo() {
    float[] dense = {1, -1, 0.1f, -0.1f, 2, -2, 0.2f, -0.2f};
    TernaryBuffer w = TernaryBuffer.copyOf(DataType.F32, dense);
    try (TernaryWeights absmean =
        TernaryWeights.ternarise(w, 2, 4, TernariseMethod.ABSMEAN, AlphaKind.TENSOR, 0)) {
      assertThat(absmean.alpha()).isEqualTo(Alpha.tensor(0.825f));
      assertThat(absmean.unpack()).containsExactly(1, -1, 0, 0, 1, -1, 0, 0);
    }
    try (TernaryWeights threshold =
        TernaryWeights.ternarise(w, 2, 4, TernariseMethod.THRESHOLD, AlphaKind.ROW, 0)) {
      assertThat(threshold.alpha()).isEqualTo(Alpha.row(1, 2));
      assertThat(threshold.unpack()).containsExactly(1, -1, 0, 0, 1, -1, 0, 0);
    }
    try (TernaryWeights column =
        TernaryWeights.ternarise(w, 2, 4, TernariseMethod.THRESHOLD, AlphaKind.COLUMN, 0)) {
      assertThat(column.alpha().values()).hasSize(4).startsWith(2f); // 1 is not above 0.7 * 1.5
      assertThat(column.unpack()).containsExactly(0, 0, 0, 0, 1, -1, 1, -1);
    }
    try (TernaryWeights group =
        TernaryWeights.ternarise(w, 2, 4, TernariseMethod.ABSMEAN, AlphaKind.GROUP, 32)) {
      assertThat(group.alpha().values()).hasSize(2);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"F32", "F16", "BF16"})
  void ternarisesEveryFloatType(DataType type) {
    TernaryBuffer w = TernaryBuffer.copyOf(type, 1, -1, 0, 1);
    try (TernaryWeights weights =
        TernaryWeights.ternarise(w, 1, 4, TernariseMethod.ABSMEAN, AlphaKind.TENSOR, 0)) {
      assertThat(weights.unpack()).containsExactly(1, -1, 0, 1);
      assertThat(weights.alpha()).isEqualTo(Alpha.tensor(0.75f));
    }
  }

  @Test
  void rejectsBadDenseWeights() {
    TernaryBuffer w = TernaryBuffer.copyOf(DataType.F32, 1, Float.NaN);
    assertRejected(
        () -> TernaryWeights.ternarise(w, 1, 2, TernariseMethod.ABSMEAN, AlphaKind.TENSOR, 0),
        "nan");
    assertRejected(
        () -> TernaryWeights.ternarise(w, 2, 2, TernariseMethod.ABSMEAN, AlphaKind.TENSOR, 0),
        "8 bytes",
        "16");
    assertRejected(
        () -> TernaryWeights.ternarise(null, 1, 2, TernariseMethod.ABSMEAN, AlphaKind.TENSOR, 0),
        "dense is null");
    assertRejected(
        () -> TernaryWeights.ternarise(w, 1, 2, null, AlphaKind.TENSOR, 0), "method is null");
    assertRejected(
        () -> TernaryWeights.ternarise(w, 1, 2, TernariseMethod.ABSMEAN, AlphaKind.GROUP, 8),
        "group is 8");
    TernaryBuffer bytes = TernaryBuffer.copyOf(DataType.I8, 1, 2);
    assertRejected(
        () -> TernaryWeights.ternarise(bytes, 1, 2, TernariseMethod.ABSMEAN, AlphaKind.TENSOR, 0),
        "type I8");
  }

  @Test
  void rejectsBadSizes() {
    byte[] w = new byte[4];
    Alpha alpha = Alpha.tensor(1);
    assertRejected(() -> TernaryWeights.pack(w, 0, 4, alpha), "N is 0", "at least 1");
    assertRejected(() -> TernaryWeights.pack(w, -1, 4, alpha), "N is -1");
    assertRejected(() -> TernaryWeights.pack(w, 1L << 31, 4, alpha), "N is 2147483648", "2^31");
    assertRejected(() -> TernaryWeights.pack(w, 1, 1 << 24, alpha), "K is 16777216", "2^24");
    assertRejected(() -> TernaryWeights.pack(w, 1, 0, alpha), "K is 0");
    assertRejected(() -> TernaryWeights.pack(w, 2, 4, alpha), "w has 4 values", "8", "N * K");
    assertRejected(() -> TernaryWeights.pack(null, 2, 2, alpha), "w is null");
    assertRejected(() -> TernaryWeights.pack(w, 2, 2, null), "alpha is null");
    assertRejected(
        () -> TernaryWeights.ofI2s(new byte[3], 2, 2, alpha, Layout.I2S), "codes has 3", "2");
    assertRejected(() -> TernaryWeights.ofI2s(new byte[2], 2, 2, alpha, null), "layout is null");
    assertRejected(
        () -> TernaryWeights.ofI2s((byte[]) null, 2, 2, alpha, Layout.I2S), "codes is null");
    assertRejected(
        () -> TernaryWeights.ofI2s(ByteBuffer.allocate(2), 2, 2, alpha, Layout.I2S), "heap");
    assertRejected(
        () ->
            TernaryWeights.ofI2s(TernaryBuffer.allocate(DataType.F32, 2), 2, 2, alpha, Layout.I2S),
        "F32",
        "I8");
  }

  @Test
  void rejectsAlphaOfAnotherShape() {
    byte[] w = new byte[4 * 70];
    assertRejected(() -> TernaryWeights.pack(w, 4, 70, Alpha.row(1, 2, 3)), "3 values", "4", "N 4");
    assertRejected(() -> TernaryWeights.pack(w, 4, 70, Alpha.column(1, 2, 3)), "3 values", "70");
    assertRejected(
        () -> TernaryWeights.pack(w, 4, 70, Alpha.group(32, new float[8])), "8 values", "12");
  }

  @Test
  void rejectsValuesThatAreNotTernary() {
    assertRejected(() -> TernaryWeights.pack(new byte[] {0, 1, 2, 0}, 2, 2, Alpha.tensor(1)), "2");
    assertRejected(
        () ->
            TernaryWeights.ofI2s(new byte[] {0x15, (byte) 0x3c}, 2, 4, Alpha.tensor(1), Layout.I2S),
        "3");
  }

  @Test
  void useAfterCloseIsAnError() {
    TernaryWeights weights = TernaryWeights.pack(new byte[4], 2, 2, Alpha.tensor(1));
    weights.close();
    weights.close();
    for (ThrowingCallable call :
        new ThrowingCallable[] {
          weights::codes,
          weights::unpack,
          weights::byteSize,
          () -> weights.repack(Layout.I2S),
          () -> weights.save(Path.of("nowhere"))
        }) {
      assertThatThrownBy(call)
          .isInstanceOf(IllegalStateException.class)
          .hasMessage("the weights are closed, must be open");
    }
    assertThat(weights.n()).isEqualTo(2);
  }
}
