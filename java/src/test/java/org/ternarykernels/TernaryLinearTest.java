package org.ternarykernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.bytedeco.javacpp.FloatPointer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class TernaryLinearTest {
  private static final int N = 37;
  private static final int K = 133;
  private static final TernaryRuntime RUNTIME = TernaryRuntime.create();

  private final Random random = new Random(2);

  @AfterAll
  static void close() {
    RUNTIME.close();
  }

  private static void assertRejected(ThrowingCallable call, String... parts) {
    assertThatThrownBy(call)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll(parts);
  }

  private Alpha alpha(AlphaKind kind) {
    int count = (int) Alpha.count(kind, kind == AlphaKind.GROUP ? 32 : 0, N, K);
    return Alpha.of(kind, kind == AlphaKind.GROUP ? 32 : 0, Problems.floats(random, count));
  }

  private TernaryWeights weights(AlphaKind kind) {
    return TernaryWeights.pack(Problems.ternary(random, N * K), N, K, alpha(kind));
  }

  static Stream<Arguments> problems() {
    return Stream.of(DataType.values())
        .filter(x -> x != DataType.I32)
        .flatMap(
            x ->
                Stream.of(DataType.F32, DataType.F16, DataType.BF16)
                    .flatMap(
                        y ->
                            Stream.of(AlphaKind.values())
                                .filter(kind -> x != DataType.I8 || kind != AlphaKind.COLUMN)
                                .flatMap(
                                    kind ->
                                        Stream.of(Activation.A8, Activation.A16)
                                            .filter(
                                                activation -> x != DataType.I8 || activation.isA8())
                                            .map(
                                                activation ->
                                                    Arguments.of(x, y, kind, activation)))));
  }

  @ParameterizedTest
  @MethodSource("problems")
  void givesTheOraclesBits(DataType xType, DataType yType, AlphaKind kind, Activation activation) {
    for (int m : new int[] {1, 5}) {
      int ldx = K + 3;
      int ldy = N + 2;
      TernaryBuffer x = Problems.activations(random, xType, m * ldx);
      TernaryBuffer xScale =
          xType == DataType.I8 || xType == DataType.F8_E4M3 && m > 1
              ? TernaryBuffer.copyOf(DataType.F32, Problems.floats(random, m))
              : null;
      TernaryBuffer y = Problems.filled(yType, m * ldy, 77);
      TernaryBuffer expected =
          Problems.filled(yType, m * ldy, 77); // what lies between the rows stays
      float[] bias = m > 1 ? Problems.floats(random, N) : null;
      float[] alphas;
      try (TernaryWeights weights = weights(kind);
          TernaryLinear linear =
              TernaryLinear.builder(RUNTIME, weights).activation(activation).bias(bias).build()) {
        alphas = weights.alpha().values();
        linear.apply(x, ldx, xScale, y, ldy, m);
        Oracle.linear(weights, activation, bias, x, ldx, xScale, expected, ldy, m);
      }
      if (activation.isA8() || TestDevice.isCpu()) {
        Problems.assertSameBits(y, expected);
      } else {
        Accuracy accuracy =
            Accuracy.ofSums(K, Accuracy.magnitudes(x, ldx, xScale, m, K, alphas), bias);
        accuracy.assertWithin(y, expected, m, N, ldy);
      }
    }
  }

  @Test
  void computesByHand() {
    try (TernaryWeights weights =
            TernaryWeights.pack(new byte[] {1, -1, 0, 0, 1, 1}, 2, 3, Alpha.row(2, 4));
        TernaryLinear linear =
            TernaryLinear.builder(RUNTIME, weights)
                .activation(Activation.A16)
                .bias(10, 20)
                .build()) {
      assertThat(linear.n()).isEqualTo(2);
      assertThat(linear.k()).isEqualTo(3);
      assertThat(linear.apply(new float[] {1, 2, 3, -1, 0, 1}, 2)).containsExactly(8, 40, 8, 24);
    }
  }

  @Test
  void arraysGiveTheSameBitsAsBuffers() {
    try (TernaryWeights weights = weights(AlphaKind.ROW);
        TernaryLinear linear = TernaryLinear.builder(RUNTIME, weights).build()) {
      float[] x = Problems.floats(random, 3 * K);
      TernaryBuffer y = TernaryBuffer.allocate(DataType.F32, 3 * N);
      linear.apply(TernaryBuffer.copyOf(DataType.F32, x), y, 3);
      assertThat(linear.apply(x, 3)).isEqualTo(y.toArray());
      float[] second = Arrays.copyOfRange(x, K, 2 * K);
      assertThat(linear.apply(second, 1))
          .as("batch position")
          .isEqualTo(Arrays.copyOfRange(y.toArray(), N, 2 * N));
    }
  }

  @Test
  void aNonFiniteRowIsNaNAndOnlyThatRow() {
    try (TernaryWeights weights = weights(AlphaKind.TENSOR);
        TernaryLinear linear = TernaryLinear.builder(RUNTIME, weights).build()) {
      float[] x = Problems.floats(random, 2 * K);
      x[5] = Float.POSITIVE_INFINITY;
      float[] y = linear.apply(x, 2);
      for (int n = 0; n < N; n++) {
        assertThat(y[n]).isNaN();
        assertThat(y[N + n]).isFinite();
      }
    }
  }

  @Test
  void readsAReadOnlyBuffer() {
    ByteBuffer bytes = ByteBuffer.allocateDirect(K * 4).order(ByteOrder.nativeOrder());
    try (TernaryWeights weights = weights(AlphaKind.TENSOR);
        TernaryLinear linear = TernaryLinear.builder(RUNTIME, weights).build()) {
      TernaryBuffer y = Problems.filled(DataType.F32, N, 3);
      linear.apply(
          TernaryBuffer.of(bytes.asReadOnlyBuffer(), DataType.F32, ByteOrder.nativeOrder()), y, 1);
      for (float value : y.toArray()) {
        assertThat(value == 0).isTrue(); // of either sign
      }
    }
  }

  @Test
  void aCallAllocatesNothing() {
    try (TernaryWeights weights = weights(AlphaKind.ROW);
        TernaryLinear linear = TernaryLinear.builder(RUNTIME, weights).bias(new float[N]).build()) {
      TernaryBuffer x = Problems.activations(random, DataType.I8, K);
      TernaryBuffer scale = TernaryBuffer.copyOf(DataType.F32, 1);
      TernaryBuffer y = TernaryBuffer.allocate(DataType.F32, N);
      int runs = TestDevice.repetitions(1000, 100);
      assertThat(Allocations.ofRuns(runs, () -> linear.apply(x, K, scale, y, N, 1)))
          .isLessThan(runs);
    }
  }

  @Test
  void rejectsBadOperandsAndWritesNothing() {
    try (TernaryWeights weights = weights(AlphaKind.TENSOR);
        TernaryLinear linear = TernaryLinear.builder(RUNTIME, weights).build()) {
      TernaryBuffer x = TernaryBuffer.allocate(DataType.F32, 2 * K);
      TernaryBuffer y = Problems.filled(DataType.F32, 2 * N, 77);
      assertRejected(() -> linear.apply(null, y, 1), "x is null");
      assertRejected(() -> linear.apply(x, null, 1), "y is null");
      assertRejected(() -> linear.apply(x, y, 0), "M is 0", "at least 1");
      assertRejected(() -> linear.apply(x, y, -1), "M is -1");
      assertRejected(() -> linear.apply(x, y, 1L << 31), "M is 2147483648", "2^31");
      assertRejected(
          () -> linear.apply(x, y, 3), "x has " + 8 * K + " bytes", "at least " + 12 * K);
      assertRejected(
          () -> linear.apply(x, K - 1, null, y, N, 1), "row stride of x is " + (K - 1), "" + K);
      assertRejected(
          () -> linear.apply(x, K, null, y, N - 1, 1), "row stride of y is " + (N - 1), "" + N);
      assertRejected(() -> linear.apply(x, Long.MAX_VALUE, null, y, N, 2), "2^63", "x");
      assertRejected(() -> linear.apply(x, Long.MAX_VALUE / 2, null, y, N, 2), "2^63", "x");
      assertRejected(() -> linear.apply(x, Long.MIN_VALUE, null, y, N, 1), "row stride of x");
      assertRejected(() -> linear.apply(x, K, null, y, N + 1, 2), "y has " + 8 * N);
      assertRejected(() -> linear.apply(x, y.slice(0, N - 1), 1), "y has " + 4 * (N - 1));
      assertRejected(
          () -> linear.apply(x, TernaryBuffer.allocate(DataType.I8, N), 1),
          "y is of type I8",
          "F32, F16 or BF16");
      assertRejected(
          () -> linear.apply(x, TernaryBuffer.allocate(DataType.F8_E4M3, N), 1),
          "y is of type F8_E4M3");
      assertThat(y.toArray()).containsOnly(77f);
    }
  }

  @Test
  void rejectsOutputsThatAreReadOnlyOrOverlapAnInput() {
    try (TernaryWeights weights = weights(AlphaKind.TENSOR);
        TernaryLinear linear = TernaryLinear.builder(RUNTIME, weights).build()) {
      ByteBuffer memory = ByteBuffer.allocateDirect(4 * (K + N)).order(ByteOrder.nativeOrder());
      TernaryBuffer all = TernaryBuffer.of(memory, DataType.F32);
      TernaryBuffer x = all.slice(0, K);
      assertRejected(
          () ->
              linear.apply(
                  x,
                  TernaryBuffer.of(
                      memory.asReadOnlyBuffer(), DataType.F32, ByteOrder.nativeOrder()),
                  1),
          "y",
          "read-only");
      assertRejected(() -> linear.apply(x, all.slice(K - 1, N), 1), "y overlaps x", "must not");
      assertRejected(() -> linear.apply(x, x, 1), "y overlaps x");
      linear.apply(x, all.slice(K, N), 1); // side by side is fine
      TernaryBuffer codes = TernaryBuffer.allocate(DataType.I8, K);
      TernaryBuffer scale = all.slice(3, 1);
      assertRejected(
          () -> linear.apply(codes, K, scale, all.slice(0, N), N, 1), "y overlaps xScale");
    }
  }

  @Test
  void noticesAPointerThatWasClosed() {
    try (TernaryWeights weights = weights(AlphaKind.TENSOR);
        TernaryLinear linear = TernaryLinear.builder(RUNTIME, weights).build()) {
      FloatPointer pointer = new FloatPointer(K);
      TernaryBuffer x = TernaryBuffer.of(pointer, DataType.F32);
      TernaryBuffer y = TernaryBuffer.allocate(DataType.F32, N);
      linear.apply(x, y, 1);
      pointer.close();
      for (ThrowingCallable use :
          new ThrowingCallable[] {
            () -> linear.apply(x, y, 1),
            () -> linear.apply(x, K, null, x, N, 1),
            () -> x.get(0),
            () -> x.put(0, 1),
            x::asByteBuffer,
            () -> x.slice(0, 1)
          }) {
        assertThatThrownBy(use)
            .isInstanceOf(IllegalStateException.class)
            .hasMessageContaining("pointer that is closed");
      }
    }
  }

  @Test
  void rejectsScalesThatDoNotFitTheType() {
    try (TernaryWeights tensor = weights(AlphaKind.TENSOR);
        TernaryWeights column = weights(AlphaKind.COLUMN);
        TernaryLinear linear = TernaryLinear.builder(RUNTIME, tensor).build();
        TernaryLinear a16 =
            TernaryLinear.builder(RUNTIME, tensor).activation(Activation.A16).build();
        TernaryLinear columns = TernaryLinear.builder(RUNTIME, column).build()) {
      TernaryBuffer x = TernaryBuffer.allocate(DataType.I8, 2 * K);
      TernaryBuffer floats = TernaryBuffer.allocate(DataType.F32, 2 * K);
      TernaryBuffer y = TernaryBuffer.allocate(DataType.F32, 2 * N);
      TernaryBuffer scale = TernaryBuffer.copyOf(DataType.F32, 1, 1);
      assertRejected(() -> linear.apply(x, y, 2), "xScale is null", "I8");
      assertRejected(
          () -> linear.apply(x, K, scale.slice(0, 1), y, N, 2), "xScale has 4 bytes", "8");
      assertRejected(
          () -> linear.apply(x, K, TernaryBuffer.copyOf(DataType.F16, 1, 1), y, N, 2),
          "xScale is of type F16");
      assertRejected(() -> linear.apply(floats, K, scale, y, N, 2), "xScale is given", "F32");
      assertRejected(() -> a16.apply(x, K, scale, y, N, 2), "I8", "A16");
      assertRejected(() -> columns.apply(x, K, scale, y, N, 2), "I8", "column");
    }
  }

  @Test
  void rejectsBadArrays() {
    try (TernaryWeights weights = weights(AlphaKind.TENSOR);
        TernaryLinear linear = TernaryLinear.builder(RUNTIME, weights).build()) {
      assertRejected(() -> linear.apply(null, 1), "x is null");
      assertRejected(() -> linear.apply(new float[K], 2), "x has " + K, "" + 2 * K);
      assertRejected(() -> linear.apply(new float[K], 0), "M is 0");
    }
  }

  @Test
  void rejectsBadParts() {
    try (TernaryWeights weights = weights(AlphaKind.TENSOR)) {
      assertRejected(() -> TernaryLinear.builder(null, weights), "runtime is null");
      assertRejected(() -> TernaryLinear.builder(RUNTIME, null), "weights is null");
      assertRejected(
          () -> TernaryLinear.builder(RUNTIME, weights).activation(null), "activation is null");
      assertRejected(
          () -> TernaryLinear.builder(RUNTIME, weights).bias(1, 2).build(),
          "bias has 2 values",
          "" + N);
      float[] bias = new float[N];
      bias[3] = Float.NaN;
      assertRejected(
          () -> TernaryLinear.builder(RUNTIME, weights).bias(bias).build(),
          "bias[3] is NaN",
          "finite");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"a8", "a8:32", "a16"})
  void theBiasIsCopied(String activation) {
    float[] bias = Problems.floats(random, N);
    float[] copy = bias.clone();
    try (TernaryWeights weights = weights(AlphaKind.TENSOR);
        TernaryLinear linear =
            TernaryLinear.builder(RUNTIME, weights)
                .activation(Activation.parse(activation))
                .bias(bias)
                .build()) {
      Arrays.fill(bias, 0);
      assertThat(linear.apply(new float[K], 1)).isEqualTo(copy);
    }
  }
}
