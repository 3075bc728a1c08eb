package org.ternarykernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Layers of the second arrangement of weights, on devices with a library of its kernels: the
 * oracle's bits through the API, and the paths that are counted.
 */
@Tag("gpu")
class CudaCutlassTest {
  private static final int N = 150;
  private static final int K = 333;
  private static TernaryRuntime runtime;

  private final Random random = new Random(15);

  @BeforeAll
  static void open() {
    runtime = TernaryRuntime.builder().cutlass("1").build();
    assumeTrue(runtime.infoJson().contains("\"cutlass_a8.cuda."), "no libternary_cutlass here");
  }

  @AfterAll
  static void close() {
    runtime.close();
  }

  private static long calls(Map<String, Long> counts, String path) {
    return counts.entrySet().stream()
        .filter(count -> count.getKey().startsWith(path))
        .mapToLong(Map.Entry::getValue)
        .sum();
  }

  private TernaryWeights weights(Alpha alpha) {
    return TernaryWeights.pack(Problems.ternary(random, N * K), N, K, alpha);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 33, 300})
  void linearGivesTheOraclesBits(int m) {
    float[] bias = Problems.floats(random, N);
    TernaryBuffer x = Problems.activations(random, DataType.BF16, m * K);
    TernaryBuffer y = TernaryBuffer.allocate(DataType.BF16, m * N);
    TernaryBuffer expected = TernaryBuffer.allocate(DataType.BF16, m * N);
    long before = calls(runtime.pathCounts(), "linear.cutlass_a8.cuda.");
    try (TernaryWeights weights = weights(Alpha.row(Problems.floats(random, N)));
        TernaryLinear layer = TernaryLinear.builder(runtime, weights).bias(bias).build()) {
      layer.apply(x, y, m);
      Oracle.linear(weights, Activation.A8, bias, x, K, null, expected, N, m);
    }
    Problems.assertSameBits(y, expected);
    assertThat(calls(runtime.pathCounts(), "linear.cutlass_a8.cuda.")).isEqualTo(before + 1);
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 40})
  void rmsNormLinearGivesTheOraclesBits(int m) {
    float[] norm = Problems.floats(random, K);
    TernaryBuffer x = Problems.activations(random, DataType.F16, m * K);
    TernaryBuffer residual = Problems.activations(random, DataType.F32, m * K);
    TernaryBuffer out = TernaryBuffer.allocate(DataType.F32, m * K);
    TernaryBuffer expectedOut = TernaryBuffer.allocate(DataType.F32, m * K);
    TernaryBuffer y = TernaryBuffer.allocate(DataType.F32, m * N);
    TernaryBuffer expected = TernaryBuffer.allocate(DataType.F32, m * N);
    try (TernaryWeights weights = weights(Alpha.tensor(0.25f));
        RmsNormLinear layer = RmsNormLinear.builder(runtime, weights).norm(norm, 1e-5f).build()) {
      layer.apply(x, residual, out, y, m);
      Oracle.rmsNormLinear(
          weights,
          Activation.A8,
          norm,
          1e-5f,
          null,
          x,
          K,
          null,
          residual,
          expectedOut,
          K,
          expected,
          N,
          m);
    }
    Problems.assertSameBits(y, expected);
    Problems.assertSameBits(out, expectedOut);
    assertThat(calls(runtime.pathCounts(), "rmsnorm_linear.cutlass_a8.cuda.")).isPositive();
  }

  @Test
  void alphaByGroupIsServedByAnotherPathAndCounted() {
    TernaryBuffer x = Problems.activations(random, DataType.F32, 3 * K);
    TernaryBuffer y = TernaryBuffer.allocate(DataType.F32, 3 * N);
    TernaryBuffer expected = TernaryBuffer.allocate(DataType.F32, 3 * N);
    float[] values = Problems.floats(random, (int) Alpha.count(AlphaKind.GROUP, 64, N, K));
    try (TernaryWeights weights = weights(Alpha.of(AlphaKind.GROUP, 64, values));
        TernaryLinear layer = TernaryLinear.builder(runtime, weights).build()) {
      layer.apply(x, y, 3);
      Oracle.linear(weights, Activation.A8, null, x, K, null, expected, N, 3);
    }
    Problems.assertSameBits(y, expected);
    assertThat(runtime.fallbackCounts().keySet())
        .anyMatch(key -> key.startsWith("linear.cutlass_a8.cuda.") && key.endsWith(":group_size"));
  }
}
