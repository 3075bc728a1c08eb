package org.ternarykernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.Random;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** {@code quantise} by block, {@code rotate} and {@code qkNorm}. */
class RowOperationsTest {
  private static final TernaryRuntime RUNTIME = TernaryRuntime.builder().threads(2).build();

  private final Random random = new Random(9);

  @AfterAll
  static void close() {
    RUNTIME.close();
  }

  private static void assertRejected(ThrowingCallable call, String... parts) {
    assertThatThrownBy(call)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll(parts);
  }

  private TernaryBuffer signs(int k) {
    float[] signs = new float[k];
    for (int i = 0; i < k; i++) {
      signs[i] = random.nextBoolean() ? 1 : -1;
    }
    return TernaryBuffer.copyOf(DataType.F32, signs);
  }

  @ParameterizedTest
  @EnumSource(
      names = {"I8", "I32"},
      mode = EnumSource.Mode.EXCLUDE)
  void quantisesByBlockToTheOraclesBits(DataType type) {
    int m = 5;
    for (int k : new int[] {20, 64, 96, 160, 256}) {
      for (int block : new int[] {32, 64, 96, 512}) {
        for (int rotation : new int[] {0, 32}) {
          if (k % 32 != 0 && rotation != 0) {
            continue;
          }
          TernaryBuffer x = Problems.activations(random, type, m * k);
          TernaryBuffer xScale =
              type == DataType.F8_E4M3 ? TernaryBuffer.copyOf(DataType.F32, 1, 2, 3, 4, 5) : null;
          TernaryBuffer signs = rotation == 0 ? null : signs(k);
          TernaryBuffer alpha = block == 64 ? Problems.activations(random, DataType.F32, k) : null;
          Activation activation = Activation.a8(block);
          int scales = (int) activation.scales(k);
          TernaryBuffer q = TernaryBuffer.allocate(DataType.I8, m * k);
          TernaryBuffer s = TernaryBuffer.allocate(DataType.F32, m * scales);
          TernaryBuffer expectedQ = TernaryBuffer.allocate(DataType.I8, m * k);
          TernaryBuffer expectedS = TernaryBuffer.allocate(DataType.F32, m * scales);
          RUNTIME.quantise(x, xScale, rotation, signs, alpha, activation, q, s, m, k);
          Oracle.quantise(
              x, xScale, rotation, signs, alpha, activation, expectedQ, expectedS, m, k);
          Problems.assertSameBits(q, expectedQ);
          Problems.assertSameBits(s, expectedS);
          assertThat(q.toArray()).as("each block has its largest").contains(127f);
        }
      }
    }
  }

  @Test
  void quantisesBlocksByHand() {
    float[] x = new float[2 * 70];
    x[0] = 1;
    x[1] = -0.5f;
    x[32] = 2e-7f; // far below the floor of a token
    x[33] = 1e-7f;
    x[64] = -4;
    x[70 + 3] = Float.NaN; // the second row
    x[70 + 64] = 5;
    TernaryBuffer q = TernaryBuffer.allocate(DataType.I8, 2 * 70);
    TernaryBuffer s = TernaryBuffer.allocate(DataType.F32, 2 * 3);
    RUNTIME.quantise(
        TernaryBuffer.copyOf(DataType.F32, x), null, 0, null, null, Activation.a8(32), q, s, 2, 70);
    float[] codes = new float[2 * 70];
    codes[0] = 127;
    codes[1] = -64; // 63.5 rounds to even
    codes[32] = 127;
    codes[33] = 64;
    codes[64] = -127;
    assertThat(q.toArray()).containsExactly(codes);
    assertThat(s.toArray())
        .containsExactly(1f / 127, 2e-7f / 127, 4f / 127, Float.NaN, Float.NaN, Float.NaN);
  }

  @Test
  void refusesWhatQuantiseCannotDo() {
    TernaryBuffer x = TernaryBuffer.allocate(DataType.F32, 2 * 64);
    TernaryBuffer q = Problems.filled(DataType.I8, 2 * 64, 5);
    TernaryBuffer s = TernaryBuffer.allocate(DataType.F32, 4);
    Activation blocks = Activation.a8(32);
    assertRejected(
        () -> RUNTIME.quantise(x, null, 0, null, null, Activation.A16, q, s, 2, 64),
        "activation is a16",
        "a8");
    assertRejected(
        () -> RUNTIME.quantise(x, null, 0, null, null, null, q, s, 2, 64), "activation is null");
    assertRejected(
        () -> RUNTIME.quantise(x, null, 0, null, null, blocks, q, s.slice(0, 3), 2, 64),
        "s has 12 bytes",
        "16");
    assertRejected(
        () -> RUNTIME.quantise(x, null, 32, s, null, blocks, q, s, 2, 64),
        "signs has 16 bytes",
        "256");
    assertRejected(
        () -> RUNTIME.quantise(x, null, 48, null, null, blocks, q, s, 2, 64), "48", "power of two");
    assertRejected(
        () -> RUNTIME.quantise(x, null, 128, null, null, blocks, q, s, 2, 64), "128", "64");
    TernaryBuffer zeros = TernaryBuffer.allocate(DataType.F32, 64);
    assertRejected(
        () -> RUNTIME.quantise(x, null, 32, zeros, null, blocks, q, s, 2, 64), "signs", "0");
    assertThat(q.toArray()).containsOnly(5f);
  }

  @ParameterizedTest
  @EnumSource(
      names = {"I8", "I32"},
      mode = EnumSource.Mode.EXCLUDE)
  void rotatesToTheOraclesBitsBothWays(DataType type) {
    int m = 3;
    for (int rotation : new int[] {32, 64, 512, 4096}) {
      int k = rotation < 4096 ? 3 * rotation : rotation;
      for (DataType yType : new DataType[] {DataType.F32, DataType.F16, DataType.BF16}) {
        for (boolean inverse : new boolean[] {false, true}) {
          TernaryBuffer x = Problems.activations(random, type, m * k);
          TernaryBuffer signs = yType == DataType.F16 ? null : signs(k);
          TernaryBuffer y = TernaryBuffer.allocate(yType, m * k);
          TernaryBuffer expected = TernaryBuffer.allocate(yType, m * k);
          RUNTIME.rotate(x, null, rotation, signs, inverse, y, m, k);
          Oracle.rotate(x, null, rotation, signs, inverse, expected, m, k);
          Problems.assertSameBits(y, expected);
        }
      }
    }
  }

  /** A unit vector becomes a column of the matrix: +-c, by the number of common bits. */
  @Test
  void rotatesAUnitVectorByHand() {
    float[] x = new float[64];
    x[32 + 5] = 2;
    float[] signs = new float[64];
    Arrays.fill(signs, -1);
    TernaryBuffer y = TernaryBuffer.copyOf(DataType.F32, x);
    RUNTIME.rotate(y, null, 32, TernaryBuffer.copyOf(DataType.F32, signs), false, y, 1, 64);
    float c = (float) Math.pow(2, -2.5);
    for (int i = 0; i < 64; i++) {
      float expected = i < 32 ? 0 : Integer.bitCount((i - 32) & 5) % 2 == 0 ? -2 * c : 2 * c;
      assertThat(y.get(i) + 0f).as("column %d", i).isEqualTo(expected + 0f);
    }
  }

  @Test
  void theInverseUndoesARotation() {
    int k = 256;
    TernaryBuffer x = Problems.activations(random, DataType.F32, 2 * k);
    TernaryBuffer y = TernaryBuffer.allocate(DataType.F32, 2 * k);
    TernaryBuffer signs = signs(k);
    RUNTIME.rotate(x, null, 256, signs, false, y, 2, k);
    assertThat(y.toArray()).isNotEqualTo(x.toArray());
    RUNTIME.rotate(y, null, 256, signs, true, y, 2, k);
    for (int row = 0; row < 2; row++) {
      double size = 0;
      for (int i = 0; i < k; i++) {
        size += Math.abs(x.get(row * k + i));
      }
      // Each way eight butterflies, each of an error 2^-24 of partial sums below the sum of sizes
      // times the factor 1/16, and the factor; the way back spreads 256 errors over 16.
      double bound = 2 * 10 * 0x1p-24 * size;
      for (int i = 0; i < k; i++) {
        assertThat(Math.abs(y.get(row * k + i) - (double) x.get(row * k + i))).isLessThan(bound);
      }
    }
  }

  @Test
  void refusesWhatRotateCannotDo() {
    TernaryBuffer x = TernaryBuffer.allocate(DataType.F32, 96);
    TernaryBuffer y = Problems.filled(DataType.F32, 96, 5);
    assertRejected(() -> RUNTIME.rotate(x, null, 64, null, false, y, 1, 96), "64", "96");
    assertRejected(() -> RUNTIME.rotate(x, null, 0, null, false, y, 1, 96), "0", "power of two");
    assertRejected(() -> RUNTIME.rotate(x, null, 32, x, false, y, 1, 96), "signs", "0", "1");
    assertRejected(() -> RUNTIME.rotate(x, x, 32, null, false, y, 1, 96), "xScale is given");
    assertRejected(() -> RUNTIME.rotate(null, null, 32, null, false, y, 1, 96), "x is null");
    assertRejected(() -> RUNTIME.rotate(x, null, 32, null, false, null, 1, 96), "y is null");
    assertRejected(() -> RUNTIME.rotate(x, null, 32, null, false, y, 2, 96), "x has 384", "768");
    assertRejected(
        () -> RUNTIME.rotate(x, null, 32, null, false, x.slice(32, 64), 1, 64), "y overlaps x");
    TernaryBuffer codes = TernaryBuffer.allocate(DataType.I8, 96);
    assertRejected(() -> RUNTIME.rotate(codes, null, 32, null, false, y, 1, 96), "x is of type I8");
    assertRejected(() -> RUNTIME.rotate(x, null, 32, null, false, codes, 1, 96), "y is of type I8");
    assertThat(y.toArray()).containsOnly(5f);
  }

  @ParameterizedTest
  @EnumSource(names = {"F32", "F16", "BF16"})
  void normalisesTheHeadsOfOneMatrixToTheOraclesBits(DataType type) {
    int m = 5;
    for (int headDim : new int[] {1, 7, 64, 128, 300}) {
      int qHeads = 3;
      int kHeads = 2;
      int stride = (qHeads + kHeads + 1) * headDim + 3; // V, and a gap
      TernaryBuffer data = Problems.activations(random, type, m * stride);
      TernaryBuffer expected = TernaryBuffer.allocate(type, m * stride);
      Problems.copy(data, expected);
      TernaryBuffer qWeight = TernaryBuffer.copyOf(DataType.F32, Problems.floats(random, headDim));
      TernaryBuffer kWeight = TernaryBuffer.copyOf(DataType.F32, Problems.floats(random, headDim));
      long from = (long) qHeads * headDim;
      long rest = m * stride - from;
      RUNTIME.qkNorm(
          Heads.of(data, stride, qHeads, qWeight, 1e-5f),
          Heads.of(data.slice(from, rest), stride, kHeads, kWeight, 0.5f),
          headDim,
          m);
      float[] before = expected.toArray();
      Oracle.qkNorm(
          Heads.of(expected, stride, qHeads, qWeight, 1e-5f),
          Heads.of(expected.slice(from, rest), stride, kHeads, kWeight, 0.5f),
          headDim,
          m);
      Problems.assertSameBits(data, expected);
      for (int i = 0; i < before.length; i++) {
        if (i % stride >= (qHeads + kHeads) * headDim) {
          assertThat(data.get(i)).as("V and gaps stay").isEqualTo(before[i]);
        }
      }
    }
  }

  @Test
  void normalisesEachHeadByHandAndANonFiniteOneAlone() {
    TernaryBuffer q = TernaryBuffer.copyOf(DataType.F32, 3, 4, 1, Float.POSITIVE_INFINITY, 0, 2);
    TernaryBuffer weight = TernaryBuffer.copyOf(DataType.F32, 1, 2);
    RUNTIME.qkNorm(null, Heads.of(q, 6, 3, weight, 0.5f), 2, 1);
    float first = (float) (1 / Math.sqrt(25f / 2 + 0.5f)); // exact up to its one rounding
    float last = (float) (1 / Math.sqrt(4f / 2 + 0.5f));
    assertThat(q.toArray())
        .containsExactly(3 * first, 4 * first * 2, Float.NaN, Float.NaN, 0, 2 * last * 2);
  }

  @Test
  void refusesWhatQkNormCannotDo() {
    TernaryBuffer q = Problems.filled(DataType.F32, 24, 5);
    TernaryBuffer k = Problems.filled(DataType.F32, 12, 5);
    TernaryBuffer w = TernaryBuffer.allocate(DataType.F32, 4);
    assertRejected(() -> RUNTIME.qkNorm(null, null, 4, 2), "q and k are null");
    assertRejected(() -> Heads.of(q, 12, 3, null, 1), "weight is null");
    assertRejected(() -> Heads.of((TernaryBuffer) null, 12, 3, w, 1), "data is null");
    assertRejected(
        () -> RUNTIME.qkNorm(Heads.of(q, 12, 3, w, 1), Heads.of(k, 12, 0, w, 1), 4, 1),
        "heads of k",
        "is 0");
    assertRejected(
        () -> RUNTIME.qkNorm(Heads.of(q, 11, 3, w, 1), null, 4, 2), "row stride of q is 11");
    assertRejected(
        () -> RUNTIME.qkNorm(Heads.of(q, 12, 3, w, 1), Heads.of(k, 12, 3, w, 1), 4, 2),
        "k has 48 bytes",
        "96");
    assertRejected(
        () -> RUNTIME.qkNorm(Heads.of(q, 12, 3, w, 1), null, 5, 1),
        "q's weight has 16 bytes",
        "20");
    assertRejected(() -> RUNTIME.qkNorm(Heads.of(q, 12, 3, w, 0), null, 4, 2), "eps", "0");
    assertRejected(() -> RUNTIME.qkNorm(Heads.of(q, 12, 3, w, Float.NaN), null, 4, 2), "eps");
    assertRejected(
        () -> RUNTIME.qkNorm(Heads.of(q, 12, 3, w, 1), Heads.of(q.slice(8, 12), 12, 1, w, 1), 4, 1),
        "overlap");
    assertRejected(
        () -> RUNTIME.qkNorm(Heads.of(q, 12, 3, q.slice(3, 4), 1), null, 4, 2),
        "q overlaps q's weight");
    TernaryBuffer codes = TernaryBuffer.allocate(DataType.I8, 24);
    assertRejected(
        () -> RUNTIME.qkNorm(Heads.of(codes, 12, 3, w, 1), null, 4, 2), "q is of type I8");
    assertRejected(
        () -> RUNTIME.qkNorm(Heads.of(q, 12, 3, codes, 1), null, 4, 2), "q's weight is of type");
    assertThat(q.toArray()).containsOnly(5f);
    assertThat(k.toArray()).containsOnly(5f);
  }

  @Test
  void aClosedRuntimeComputesNothing() {
    TernaryRuntime closed = TernaryRuntime.create();
    closed.close();
    TernaryBuffer x = TernaryBuffer.allocate(DataType.F32, 32);
    TernaryBuffer w = TernaryBuffer.allocate(DataType.F32, 32);
    assertThatThrownBy(() -> closed.rotate(x, null, 32, null, false, x, 1, 32))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("the runtime is closed, must be open");
    assertThatThrownBy(() -> closed.qkNorm(Heads.of(x, 32, 1, w, 1), null, 32, 1))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("the runtime is closed, must be open");
  }
}
