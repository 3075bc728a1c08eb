package org.ternarykernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.ternarykernels.internal.observation.TuningLog;

/** The layout a runtime prefers, and layers that take it. */
class LayoutChoiceTest {
  private static final int N = 48;
  private static final int K = 160;
  private static final long STREAMING = 1L << 40;

  @TempDir Path folder;
  private final Random random = new Random(8);

  /** A machine whose memory is so slow that bytes alone count, with a cache of 1 MB. */
  private TernaryRuntime slowMemory() throws IOException {
    Path file =
        TuningFiles.write(
            folder,
            Isa.PORTABLE,
            Map.of("memory_mb_per_s_all_threads", 1L, "resident_bytes", 1_000_000L));
    TernaryRuntime runtime = TestDevice.onCpu().maxIsa(Isa.PORTABLE).tuning(file).build();
    assertThat(TuningLog.error(runtime.infoJson())).isEmpty();
    return runtime;
  }

  @Test
  void residentWeightsTakeI2sAndStreamingOnesWhatTheTuningSays() throws IOException {
    try (TernaryRuntime runtime = slowMemory()) {
      for (Activation activation : List.of(Activation.A8, Activation.a8(128), Activation.A16)) {
        assertThat(runtime.chooseLayout(activation, N, K, 0)).isEqualTo(Layout.I2S_TILED);
        assertThat(runtime.chooseLayout(activation, N, K, 4_000_000)).isEqualTo(Layout.I2S_TILED);
        assertThat(runtime.chooseLayout(activation, N, K, STREAMING)).isEqualTo(Layout.T5_TILED);
      }
    }
  }

  @Test
  void streamingWeightsTakeT3WhereItsKernelIsTheFastest() throws IOException {
    Path file =
        TuningFiles.write(
            folder,
            Isa.PORTABLE,
            Map.of("i2s_weights_per_us", 1L, "t5_weights_per_us", 1L, "resident_bytes", 1L));
    try (TernaryRuntime runtime = TestDevice.onCpu().maxIsa(Isa.PORTABLE).tuning(file).build()) {
      assertThat(TuningLog.error(runtime.infoJson())).isEmpty();
      assertThat(runtime.chooseLayout(Activation.A8, N, K, STREAMING)).isEqualTo(Layout.T3_TILED);
    }
  }

  @Test
  void refusesWhatBreaksARule() throws IOException {
    TernaryRuntime runtime = slowMemory();
    assertThatThrownBy(() -> runtime.chooseLayout(null, N, K, 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("activation is null");
    assertThatThrownBy(() -> runtime.chooseLayout(Activation.A8, N, K, N * K - 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("working_set is 7679");
    assertThatThrownBy(() -> runtime.chooseLayout(Activation.A8, 0, K, 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("N is 0");
    runtime.close();
    assertThatThrownBy(() -> runtime.chooseLayout(Activation.A8, N, K, 0))
        .isInstanceOf(IllegalStateException.class);
  }

  @ParameterizedTest
  @EnumSource(AlphaKind.class)
  void aLayerOfAWorkingSetGivesTheSameBitsFromItsOwnCopy(AlphaKind kind) throws IOException {
    TernaryBuffer x = Problems.activations(random, DataType.F32, K);
    TernaryBuffer expected = TernaryBuffer.allocate(DataType.F32, N);
    TernaryBuffer y = TernaryBuffer.allocate(DataType.F32, N);
    int group = kind == AlphaKind.GROUP ? 32 : 0;
    Alpha alpha =
        Alpha.of(kind, group, Problems.floats(random, (int) Alpha.count(kind, group, N, K)));
    try (TernaryRuntime runtime = slowMemory()) {
      TernaryWeights weights = TernaryWeights.pack(Problems.ternary(random, N * K), N, K, alpha);
      Oracle.linear(weights, Activation.A8, null, x, K, null, expected, N, 1);
      try (TernaryLinear streaming =
              TernaryLinear.builder(runtime, weights).workingSet(STREAMING).build();
          TernaryLinear resident = TernaryLinear.builder(runtime, weights).workingSet(0).build()) {
        weights.close(); // the first layer has its own copy, the second keeps this one
        for (TernaryLinear layer : new TernaryLinear[] {streaming, resident}) {
          layer.apply(x, y, 1);
          Problems.assertSameBits(y, expected);
        }
      }
      assertThat(runtime.pathCounts())
          .isEqualTo(
              Map.of("linear.gemm_a8_t5.cpu.portable", 1L, "linear.gemm_a8_i2s.cpu.portable", 1L));
    }
  }

  @Test
  void aNormedLayerTakesAWorkingSetToo() throws IOException {
    float[] norm = Problems.floats(random, K);
    TernaryBuffer x = Problems.activations(random, DataType.F32, K);
    TernaryBuffer expected = TernaryBuffer.allocate(DataType.F32, N);
    TernaryBuffer y = TernaryBuffer.allocate(DataType.F32, N);
    try (TernaryRuntime runtime = slowMemory();
        TernaryWeights weights =
            TernaryWeights.pack(Problems.ternary(random, N * K), N, K, Alpha.tensor(0.1f));
        RmsNormLinear layer =
            RmsNormLinear.builder(runtime, weights)
                .norm(norm, 1e-5f)
                .workingSet(STREAMING)
                .build()) {
      Oracle.rmsNormLinear(
          weights, Activation.A8, norm, 1e-5f, null, x, K, null, null, null, K, expected, N, 1);
      layer.apply(x, null, null, y, 1);
      Problems.assertSameBits(y, expected);
      assertThat(runtime.pathCounts()).containsOnlyKeys("rmsnorm_linear.gemm_a8_t5.cpu.portable");
    }
  }

  @Test
  void theCallersLayoutIsKeptWithoutAWorkingSet() throws IOException {
    try (TernaryRuntime runtime = slowMemory();
        TernaryWeights weights =
            TernaryWeights.pack(Problems.ternary(random, N * K), N, K, Alpha.tensor(1));
        TernaryWeights t5 = weights.repack(Layout.T5_TILED);
        TernaryLinear layer = TernaryLinear.builder(runtime, t5).build()) {
      layer.apply(new float[K], 1);
      assertThat(runtime.pathCounts()).containsOnlyKeys("linear.gemm_a8_t5.cpu.portable");
      assertThatThrownBy(() -> TernaryLinear.builder(runtime, weights).workingSet(1).build())
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("working_set is 1");
    }
  }
}
