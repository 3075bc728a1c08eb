package org.ternarykernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

/**
 * Rows that a layer is meant for, and the setting that says whether CUTLASS's kernels may serve.
 */
class ExpectedRowsTest {
  private static final int N = 24;
  private static final int K = 200;
  private static final TernaryRuntime RUNTIME = TernaryRuntime.builder().threads(2).build();
  private static final TernaryWeights WEIGHTS = weights();

  private static TernaryWeights weights() {
    Random random = new Random(11);
    byte[] w = new byte[N * K];
    for (int i = 0; i < w.length; i++) {
      w[i] = (byte) (random.nextInt(3) - 1);
    }
    return TernaryWeights.pack(w, N, K, Alpha.tensor(0.5f));
  }

  @AfterAll
  static void close() {
    WEIGHTS.close();
    RUNTIME.close();
  }

  private static RmsNormLinear.Builder normed() {
    float[] norm = new float[K];
    Arrays.fill(norm, 1);
    return RmsNormLinear.builder(RUNTIME, WEIGHTS).norm(norm, 1e-5f);
  }

  private static void assertRejected(ThrowingCallable call, String sentence) {
    assertThatThrownBy(call)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(sentence);
  }

  @Test
  void mustBeInTheirRange() {
    for (long rows : new long[] {-1, 1L << 31, Long.MIN_VALUE, Long.MAX_VALUE}) {
      String sentence = "expectedRows is " + rows + ", must be at least 0 and below 2^31";
      assertRejected(
          () -> TernaryLinear.builder(RUNTIME, WEIGHTS).expectedRows(rows).build(), sentence);
      assertRejected(() -> normed().expectedRows(rows).build(), sentence);
    }
  }

  @Test
  void reachTheNativeLayer() {
    assertRejected(
        () -> NativeCall.createLayer(WEIGHTS, Activation.A8, null, null, null, 0, -7),
        "expected_rows is -7; it must be 0 to 2147483647");
  }

  @Test
  void changeNoBitOfAnyNumberOfRows() {
    float[] x = Problems.floats(new Random(12), 20 * K);
    float[] expected;
    float[] expectedNormed;
    try (TernaryLinear layer = TernaryLinear.builder(RUNTIME, WEIGHTS).build()) {
      expected = layer.apply(x, 20);
    }
    try (RmsNormLinear layer = normed().build()) {
      expectedNormed = apply(layer, x);
    }
    for (long rows : List.of(0L, 1L, 17L, 4096L, (1L << 31) - 1)) {
      try (TernaryLinear layer =
              TernaryLinear.builder(RUNTIME, WEIGHTS).expectedRows(rows).build();
          RmsNormLinear normed = normed().expectedRows(rows).build()) {
        assertThat(layer.apply(x, 20)).isEqualTo(expected);
        assertThat(apply(normed, x)).isEqualTo(expectedNormed);
      }
    }
  }

  private static float[] apply(RmsNormLinear layer, float[] x) {
    try (TernaryBuffer in = TernaryBuffer.copyOf(DataType.F32, x);
        TernaryBuffer out = TernaryBuffer.allocate(DataType.F32, 20 * N)) {
      layer.apply(in, null, null, out, 20);
      return out.toArray();
    }
  }

  @Test
  void theSettingIsReported() {
    for (String choice : List.of("0", "1", "auto")) {
      try (TernaryRuntime runtime = TernaryRuntime.builder().cutlass(choice).build()) {
        assertThat(runtime.infoJson())
            .contains(
                "{\"name\":\"TERNARY_CUTLASS\",\"value\":\""
                    + choice
                    + "\",\"origin\":\"caller\"}");
      }
    }
    assertThat(RUNTIME.infoJson())
        .contains("{\"name\":\"TERNARY_CUTLASS\",\"value\":\"auto\",\"origin\":\"default\"}");
  }
}
