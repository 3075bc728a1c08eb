package org.ternarykernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Activations by block, rotation and norms of heads on device buffers: the oracle's bits, also from
 * a graph.
 */
@Tag("gpu")
class CudaRowsTest {
  private static final int M = 3;
  private static final int N = 70;
  private static final int K = 320;
  private static final TernaryRuntime RUNTIME = TernaryRuntime.create();
  private static final CudaStream STREAM = CudaStream.create(RUNTIME);

  private final Random random = new Random(17);
  private final DeviceBuffers memory = new DeviceBuffers(RUNTIME, STREAM);

  @AfterAll
  static void close() {
    STREAM.close();
    RUNTIME.close();
  }

  @AfterEach
  void closeBuffers() {
    memory.close();
  }

  private float[] signs() {
    float[] signs = new float[K];
    for (int i = 0; i < K; i++) {
      signs[i] = random.nextBoolean() ? 1 : -1;
    }
    return signs;
  }

  @ParameterizedTest
  @EnumSource(
      names = {"I8", "I32"},
      mode = EnumSource.Mode.EXCLUDE)
  void quantiseGivesTheOraclesBits(DataType type) {
    Activation activation = Activation.a8(96);
    int scales = (int) activation.scales(K);
    TernaryBuffer x = Problems.activations(random, type, M * K);
    TernaryBuffer signs = TernaryBuffer.copyOf(DataType.F32, signs());
    TernaryBuffer alpha = Problems.activations(random, DataType.F32, K);
    TernaryBuffer q = TernaryBuffer.allocate(DataType.I8, M * K);
    TernaryBuffer s = TernaryBuffer.allocate(DataType.F32, M * scales);
    Oracle.quantise(x, null, 64, signs, alpha, activation, q, s, M, K);
    DeviceBuffer dq = memory.of(DataType.I8, M * K);
    DeviceBuffer ds = memory.of(DataType.F32, M * scales);
    RUNTIME.quantise(
        memory.of(x),
        null,
        64,
        memory.of(signs),
        memory.of(alpha),
        activation,
        dq,
        ds,
        M,
        K,
        STREAM);
    Problems.assertSameBits(memory.read(dq), q);
    Problems.assertSameBits(memory.read(ds), s);
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void rotateGivesTheOraclesBitsAlsoInPlace(boolean inverse) {
    TernaryBuffer x = Problems.activations(random, DataType.BF16, M * K);
    TernaryBuffer signs = TernaryBuffer.copyOf(DataType.F32, signs());
    TernaryBuffer expected = TernaryBuffer.allocate(DataType.BF16, M * K);
    Oracle.rotate(x, null, 64, signs, inverse, expected, M, K);
    DeviceBuffer dx = memory.of(x);
    DeviceBuffer dy = memory.of(DataType.BF16, M * K);
    DeviceBuffer ds = memory.of(signs);
    RUNTIME.rotate(dx, null, 64, ds, inverse, dy, M, K, STREAM);
    Problems.assertSameBits(memory.read(dy), expected);
    RUNTIME.rotate(dx, null, 64, ds, inverse, dx, M, K, STREAM);
    Problems.assertSameBits(memory.read(dx), expected);
  }

  /** Q and K lie in the rows of one matrix, as a fused product writes them. */
  @ParameterizedTest
  @EnumSource(names = {"F32", "F16", "BF16"})
  void qkNormGivesTheOraclesBitsInOneMatrix(DataType type) {
    int headDim = 40;
    TernaryBuffer data = Problems.activations(random, type, M * K);
    TernaryBuffer weight = Problems.activations(random, DataType.F32, headDim);
    DeviceBuffer dd = memory.of(data);
    DeviceBuffer dw = memory.of(weight);
    long from = 4L * headDim;
    long rest = M * K - from;
    RUNTIME.qkNorm(
        Heads.of(dd, K, 4, dw, 1e-5f),
        Heads.of(dd.slice(from, rest), K, 2, dw, 0.5f),
        headDim,
        M,
        STREAM);
    Oracle.qkNorm(
        Heads.of(data, K, 4, weight, 1e-5f),
        Heads.of(data.slice(from, rest), K, 2, weight, 0.5f),
        headDim,
        M);
    Problems.assertSameBits(memory.read(dd), data);
  }

  @ParameterizedTest
  @EnumSource(names = {"I2S_TILED", "T5_TILED"})
  void layersGiveTheOraclesBitsAlsoFromAGraph(Layout layout) {
    Activation activation = Activation.a8(64);
    Rotation rotation = Rotation.of(64, signs());
    Alpha alpha = Alpha.group(32, Problems.floats(random, N * K / 32));
    float[] norm = Problems.floats(random, K);
    TernaryBuffer x = Problems.activations(random, DataType.F16, M * K);
    TernaryBuffer expected = TernaryBuffer.allocate(DataType.F32, M * N);
    TernaryBuffer normed = TernaryBuffer.allocate(DataType.F32, M * N);
    try (TernaryWeights packed = TernaryWeights.pack(Problems.ternary(random, N * K), N, K, alpha);
        TernaryWeights weights = packed.repack(layout);
        TernaryLinear linear =
            TernaryLinear.builder(RUNTIME, weights)
                .activation(activation)
                .rotation(rotation)
                .build();
        RmsNormLinear fused =
            RmsNormLinear.builder(RUNTIME, weights)
                .norm(norm, 1e-5f)
                .activation(activation)
                .rotation(rotation)
                .build()) {
      Oracle.linear(weights, activation, rotation, null, x, K, null, expected, N, M);
      Oracle.rmsNormLinear(
          weights,
          activation,
          rotation,
          norm,
          1e-5f,
          null,
          x,
          K,
          null,
          null,
          null,
          0,
          normed,
          N,
          M);
      DeviceBuffer dx = memory.of(x);
      DeviceBuffer dy = memory.of(DataType.F32, M * N);
      DeviceBuffer dn = memory.of(DataType.F32, M * N);
      DeviceBuffer workspace =
          memory.of(DataType.I8, Math.max(linear.workspaceBytes(M), fused.workspaceBytes(M)));
      Runnable work =
          () -> {
            linear.apply(dx, K, null, dy, N, M, STREAM, workspace);
            fused.apply(dx, K, null, null, null, 0, dn, N, M, STREAM, workspace);
          };
      work.run();
      Problems.assertSameBits(memory.read(dy), expected);
      Problems.assertSameBits(memory.read(dn), normed);
      dy.copyFrom(Problems.filled(DataType.F32, M * N, 7), STREAM);
      dn.copyFrom(Problems.filled(DataType.F32, M * N, 7), STREAM);
      try (CudaGraph graph = STREAM.capture(work)) {
        graph.launch(STREAM);
        Problems.assertSameBits(memory.read(dy), expected);
        Problems.assertSameBits(memory.read(dn), normed);
      }
    }
  }

  @Test
  void deviceBuffersNeedARuntimeOfAGpu() {
    DeviceBuffer x = memory.of(DataType.F32, 64);
    try (TernaryRuntime cpu = TestDevice.onCpu().build()) {
      assertThatThrownBy(() -> cpu.rotate(x, null, 32, null, false, x, 1, 64, STREAM))
          .isInstanceOf(TernaryException.class)
          .hasMessageContaining("CPU");
      assertThatThrownBy(() -> cpu.qkNorm(Heads.of(x, 64, 1, x, 1), null, 64, 1, STREAM))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("q overlaps q's weight");
    }
    assertThat(RUNTIME.device().isCuda()).isTrue();
  }
}
