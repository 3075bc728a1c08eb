package org.ternarykernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Random;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class RmsNormLinearTest {
  private static final int N = 40;
  private static final int K = 300;
  private static final float EPS = 1e-5f;
  private static final TernaryRuntime RUNTIME = TernaryRuntime.create();

  private final Random random = new Random(3);
  private final float[] norm = Problems.floats(random, K);

  /** Q, K and V of unequal sizes. */
  private final Alpha alpha = Alpha.segments(new int[] {24, 10, 6}, new float[] {0.5f, 0.25f, 3});

  private final TernaryWeights weights =
      TernaryWeights.pack(Problems.ternary(random, N * K), N, K, alpha);

  @AfterAll
  static void close() {
    RUNTIME.close();
  }

  private static void assertRejected(ThrowingCallable call, String... parts) {
    assertThatThrownBy(call)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll(parts);
  }

  private RmsNormLinear layer(Activation activation, float[] bias) {
    return RmsNormLinear.builder(RUNTIME, weights)
        .norm(norm, EPS)
        .activation(activation)
        .bias(bias)
        .build();
  }

  static Stream<Arguments> problems() {
    return Stream.of(DataType.F32, DataType.F16, DataType.BF16, DataType.F8_E4M3)
        .flatMap(
            x ->
                Stream.of(DataType.F32, DataType.F16, DataType.BF16, null)
                    .flatMap(
                        residual ->
                            Stream.of(DataType.F32, DataType.BF16)
                                .flatMap(
                                    y ->
                                        Stream.of(Activation.A8, Activation.A16)
                                            .map(a -> Arguments.of(x, residual, y, a)))));
  }

  @ParameterizedTest
  @MethodSource("problems")
  void givesTheOraclesBits(
      DataType xType, DataType residualType, DataType yType, Activation activation) {
    int m = 3;
    int ldx = K + 1;
    int ldr = K + 2;
    int ldy = N + 3;
    TernaryBuffer x = Problems.activations(random, xType, m * ldx);
    TernaryBuffer xScale =
        xType == DataType.F8_E4M3 ? TernaryBuffer.copyOf(DataType.F32, 1, 2, 3) : null;
    TernaryBuffer residual =
        residualType == null ? null : Problems.activations(random, residualType, m * ldr);
    TernaryBuffer out = residualType == null ? null : Problems.filled(residualType, m * ldr, 5);
    TernaryBuffer expectedOut =
        residualType == null ? null : Problems.filled(residualType, m * ldr, 5);
    TernaryBuffer y = Problems.filled(yType, m * ldy, 7);
    TernaryBuffer expected = Problems.filled(yType, m * ldy, 7);
    float[] bias = Problems.floats(random, N);
    Oracle.rmsNormLinear(
        weights,
        activation,
        norm,
        EPS,
        bias,
        x,
        ldx,
        xScale,
        residual,
        expectedOut,
        ldr,
        expected,
        ldy,
        m);
    try (RmsNormLinear layer = layer(activation, bias)) {
      layer.apply(x, ldx, xScale, residual, out, ldr, y, ldy, m);
      if (activation.isA8() || TestDevice.isCpu()) {
        Problems.assertSameBits(y, expected);
      } else {
        TernaryBuffer normed = residual == null ? x : expectedOut;
        accuracy(normed, residual == null ? ldx : ldr, residual == null ? xScale : null, m, bias)
            .assertWithin(y, expected, m, N, ldy);
        Problems.copy(y, expected); // the same bits again, below
      }
      if (residual != null) {
        Problems.assertSameBits(out, expectedOut);
        TernaryBuffer untouched = residual.slice(0, residual.elements());
        layer.apply(x, ldx, xScale, untouched, untouched, ldr, y, ldy, m); // in place
        Problems.assertSameBits(y, expected);
        for (int row = 0; row < m; row++) {
          Problems.assertSameBits(
              residual.slice((long) row * ldr, K), expectedOut.slice((long) row * ldr, K));
        }
      }
    }
  }

  /** Of A16 on a GPU: sums of what the norm makes of v. */
  private Accuracy accuracy(TernaryBuffer v, int stride, TernaryBuffer scale, int m, float[] bias) {
    TernaryBuffer normed = TernaryBuffer.allocate(DataType.F32, (long) m * K);
    for (int row = 0; row < m; row++) {
      double factor = scale == null ? 1 : scale.get(row);
      double squares = 0;
      for (int k = 0; k < K; k++) {
        squares += Math.pow(v.get((long) row * stride + k) * factor, 2);
      }
      double r = 1 / Math.sqrt(squares / K + EPS);
      for (int k = 0; k < K; k++) {
        normed.put(
            (long) row * K + k, (float) (v.get((long) row * stride + k) * factor * r * norm[k]));
      }
    }
    return Accuracy.ofSums(K, Accuracy.magnitudes(normed, K, null, m, K, alpha.values()), bias);
  }

  @Test
  void contiguousOperandsNeedNoStrides() {
    TernaryBuffer x = Problems.activations(random, DataType.F32, 2 * K);
    TernaryBuffer residual = Problems.activations(random, DataType.F32, 2 * K);
    TernaryBuffer y = TernaryBuffer.allocate(DataType.F32, 2 * N);
    TernaryBuffer expected = TernaryBuffer.allocate(DataType.F32, 2 * N);
    TernaryBuffer out = TernaryBuffer.allocate(DataType.F32, 2 * K);
    try (RmsNormLinear layer = layer(Activation.A8, null)) {
      assertThat(layer.n()).isEqualTo(N);
      assertThat(layer.k()).isEqualTo(K);
      layer.apply(x, residual, out, y, 2);
    }
    for (int i = 0; i < 2 * K; i++) {
      assertThat(out.get(i)).isEqualTo(x.get(i) + residual.get(i));
    }
    Oracle.rmsNormLinear(
        weights, Activation.A8, norm, EPS, null, out, K, null, null, null, K, expected, N, 2);
    Problems.assertSameBits(y, expected);
  }

  @Test
  void aCallAllocatesNothing() {
    TernaryBuffer x = Problems.activations(random, DataType.F32, K);
    TernaryBuffer residual = TernaryBuffer.allocate(DataType.F32, K);
    TernaryBuffer y = TernaryBuffer.allocate(DataType.F32, N);
    try (RmsNormLinear layer = layer(Activation.A8, null)) {
      int runs = TestDevice.repetitions(1000, 100);
      assertThat(Allocations.ofRuns(runs, () -> layer.apply(x, residual, residual, y, 1)))
          .isLessThan(runs);
    }
  }

  @Test
  void rejectsBadOperands() {
    TernaryBuffer x = TernaryBuffer.allocate(DataType.F32, K);
    TernaryBuffer residual = TernaryBuffer.allocate(DataType.F32, 2 * K);
    TernaryBuffer first = residual.slice(0, K);
    TernaryBuffer y = Problems.filled(DataType.F32, N, 7);
    try (RmsNormLinear layer = layer(Activation.A8, null)) {
      assertRejected(() -> layer.apply(null, null, null, y, 1), "x is null");
      assertRejected(() -> layer.apply(x, null, null, null, 1), "y is null");
      assertRejected(
          () -> layer.apply(x, null, first, y, 1), "residualOut is given without residual");
      assertRejected(() -> layer.apply(x, first, null, y, 1), "residualOut is null");
      assertRejected(
          () -> layer.apply(x, first, residual.slice(1, K), y, 1), "residualOut overlaps residual");
      assertRejected(() -> layer.apply(x, first, x, y, 1), "residualOut overlaps x");
      assertRejected(
          () -> layer.apply(x, first, first, residual.slice(K - 1, N), 1), "y overlaps residual");
      assertRejected(
          () -> layer.apply(x, first, residual.slice(K, K), residual.slice(2 * K - N, N), 1),
          "y overlaps residualOut");
      assertRejected(
          () -> layer.apply(TernaryBuffer.allocate(DataType.I8, K), null, null, y, 1),
          "x is of type I8");
      assertRejected(
          () -> layer.apply(x, TernaryBuffer.allocate(DataType.I8, K), first, y, 1),
          "residual is of type I8");
      assertRejected(
          () -> layer.apply(x, first, TernaryBuffer.allocate(DataType.F16, K), y, 1),
          "residualOut is of type F16",
          "F32");
      assertRejected(
          () -> layer.apply(x, K, null, first, first, K - 1, y, N, 1), "row stride of residual");
      assertRejected(() -> layer.apply(x, first.slice(0, 1), first, y, 1), "residual has 4 bytes");
      assertRejected(() -> layer.apply(x, first, first, y, 0), "M is 0");
    }
    assertThat(y.toArray()).containsOnly(7f);
    assertThat(residual.toArray()).containsOnly(0f);
  }

  @Test
  void rejectsBadParts() {
    assertRejected(() -> RmsNormLinear.builder(null, weights), "runtime is null");
    assertRejected(() -> RmsNormLinear.builder(RUNTIME, null), "weights is null");
    assertRejected(() -> RmsNormLinear.builder(RUNTIME, weights).build(), "norm weight is null");
    assertRejected(
        () -> RmsNormLinear.builder(RUNTIME, weights).norm(new float[2], EPS).build(),
        "2 values",
        "300");
    float[] notFinite = norm.clone();
    notFinite[7] = Float.NEGATIVE_INFINITY;
    assertRejected(
        () -> RmsNormLinear.builder(RUNTIME, weights).norm(notFinite, EPS).build(),
        "[7] is -Infinity");
    for (float eps : new float[] {0, -1, Float.NaN, Float.POSITIVE_INFINITY}) {
      assertRejected(
          () -> RmsNormLinear.builder(RUNTIME, weights).norm(norm, eps).build(),
          "eps is " + eps,
          "above 0");
    }
    assertRejected(
        () -> RmsNormLinear.builder(RUNTIME, weights).activation(null), "activation is null");
    assertRejected(() -> layer(Activation.A8, new float[3]), "bias has 3");
  }

  @Test
  void useAfterCloseIsAnError() {
    RmsNormLinear layer = layer(Activation.A8, null);
    layer.close();
    layer.close();
    TernaryBuffer x = TernaryBuffer.allocate(DataType.F32, K);
    TernaryBuffer y = TernaryBuffer.allocate(DataType.F32, N);
    assertThatThrownBy(() -> layer.apply(x, null, null, y, 1))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("the layer is closed, must be open");
  }
}
