package org.ternarykernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Layers and quantisation on device buffers: the oracle's bits, alone, in chains, in graphs and on
 * streams side by side.
 */
@Tag("gpu")
class CudaLayersTest {
  private static final int N = 70;
  private static final int K = 333;
  private static final float EPS = 1e-5f;
  private static final TernaryRuntime RUNTIME = TernaryRuntime.create();
  private static final CudaStream STREAM = CudaStream.create(RUNTIME);

  private final Random random = new Random(13);

  @AfterAll
  static void close() {
    STREAM.close();
    RUNTIME.close();
  }

  private static void assertRejected(ThrowingCallable call, String... parts) {
    assertThatThrownBy(call)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll(parts);
  }

  private TernaryWeights weights(AlphaKind kind, Layout layout, int n, int k) {
    int group = kind == AlphaKind.GROUP ? 64 : 0;
    Alpha alpha =
        Alpha.of(kind, group, Problems.floats(random, (int) Alpha.count(kind, group, n, k)));
    try (TernaryWeights packed =
        TernaryWeights.pack(Problems.ternary(random, n * k), n, k, alpha)) {
      return packed.repack(layout);
    }
  }

  private static DeviceBuffer device(TernaryBuffer host) {
    return host == null ? null : DeviceBuffer.copyOf(RUNTIME, host);
  }

  private static TernaryBuffer read(DeviceBuffer buffer, CudaStream stream) {
    TernaryBuffer host = TernaryBuffer.allocate(buffer.dataType(), buffer.elements());
    buffer.copyTo(host, stream);
    stream.synchronize();
    return host;
  }

  private static void closeAll(DeviceBuffer... buffers) {
    for (DeviceBuffer buffer : buffers) {
      if (buffer != null) {
        buffer.close();
      }
    }
  }

  static Stream<Arguments> problems() {
    // Every type of X, kind of alpha and layout, each with another M, below and above what a GEMV
    // takes.
    int[] rows = {1, 2, 5, 16, 17, 40};
    int[] next = {0};
    return Stream.of(Layout.I2S_TILED, Layout.T5_TILED)
        .flatMap(
            layout ->
                Stream.of(AlphaKind.values())
                    .flatMap(
                        kind ->
                            Stream.of(DataType.values())
                                .filter(x -> x != DataType.I32)
                                .filter(x -> x != DataType.I8 || kind != AlphaKind.COLUMN)
                                .map(
                                    x ->
                                        Arguments.of(
                                            layout, kind, x, rows[next[0]++ % rows.length]))));
  }

  @ParameterizedTest
  @MethodSource("problems")
  void linearGivesTheOraclesBits(Layout layout, AlphaKind kind, DataType xType, int m) {
    int ldx = K + 3;
    int ldy = N + 2;
    DataType yType = new DataType[] {DataType.F32, DataType.F16, DataType.BF16}[m % 3];
    TernaryBuffer x = Problems.activations(random, xType, m * ldx);
    TernaryBuffer scale =
        xType == DataType.I8 || xType == DataType.F8_E4M3
            ? TernaryBuffer.copyOf(DataType.F32, Problems.floats(random, m))
            : null;
    TernaryBuffer y = Problems.filled(yType, m * ldy, 77);
    TernaryBuffer expected =
        Problems.filled(yType, m * ldy, 77); // what lies between the rows stays
    float[] bias = m % 2 == 0 ? Problems.floats(random, N) : null;
    DeviceBuffer dx = device(x);
    DeviceBuffer ds = device(scale);
    DeviceBuffer dy = device(y);
    try (TernaryWeights weights = weights(kind, layout, N, K);
        TernaryLinear linear = TernaryLinear.builder(RUNTIME, weights).bias(bias).build()) {
      linear.apply(dx, ldx, ds, dy, ldy, m, STREAM, null);
      Oracle.linear(weights, Activation.A8, bias, x, ldx, scale, expected, ldy, m);
      Problems.assertSameBits(read(dy, STREAM), expected);
    }
    closeAll(dx, ds, dy);
  }

  static Stream<Arguments> normedProblems() {
    return problems().filter(problem -> problem.get()[2] != DataType.I8);
  }

  @ParameterizedTest
  @MethodSource("normedProblems")
  void rmsNormLinearGivesTheOraclesBits(Layout layout, AlphaKind kind, DataType xType, int m) {
    float[] norm = Problems.floats(random, K);
    TernaryBuffer x = Problems.activations(random, xType, m * K);
    DataType residualType = m % 2 == 0 ? DataType.F32 : DataType.BF16;
    TernaryBuffer residual = Problems.activations(random, residualType, m * K);
    TernaryBuffer expectedOut = TernaryBuffer.allocate(residualType, m * K);
    TernaryBuffer expected = TernaryBuffer.allocate(DataType.F32, m * N);
    DeviceBuffer dx = device(x);
    DeviceBuffer dr = device(residual);
    DeviceBuffer dy = DeviceBuffer.allocate(RUNTIME, DataType.F32, m * N);
    DeviceBuffer dout = DeviceBuffer.allocate(RUNTIME, residualType, m * K);
    try (TernaryWeights weights = weights(kind, layout, N, K);
        RmsNormLinear layer = RmsNormLinear.builder(RUNTIME, weights).norm(norm, EPS).build()) {
      Oracle.rmsNormLinear(
          weights,
          Activation.A8,
          norm,
          EPS,
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
      layer.apply(dx, dr, dout, dy, m, STREAM);
      Problems.assertSameBits(read(dy, STREAM), expected);
      Problems.assertSameBits(read(dout, STREAM), expectedOut);
      layer.apply(dx, dr, dr, dy, m, STREAM); // in place
      Problems.assertSameBits(read(dy, STREAM), expected);
      Problems.assertSameBits(read(dr, STREAM), expectedOut);
      layer.apply(dx, null, null, dy, m, STREAM); // no residual
      Oracle.rmsNormLinear(
          weights, Activation.A8, norm, EPS, null, x, K, null, null, null, K, expected, N, m);
      Problems.assertSameBits(read(dy, STREAM), expected);
    }
    closeAll(dx, dr, dy, dout);
  }

  @ParameterizedTest
  @EnumSource(
      names = {"I8", "I32"},
      mode = EnumSource.Mode.EXCLUDE)
  void quantiseGivesTheOraclesBits(DataType type) {
    int m = 3;
    TernaryBuffer x = Problems.activations(random, type, m * K);
    TernaryBuffer scale =
        type == DataType.F8_E4M3 ? TernaryBuffer.copyOf(DataType.F32, 1, 2, 3) : null;
    TernaryBuffer alpha = Problems.activations(random, DataType.F32, K);
    TernaryBuffer q = TernaryBuffer.allocate(DataType.I8, m * K);
    TernaryBuffer s = TernaryBuffer.allocate(DataType.F32, m);
    Oracle.quantise(x, scale, alpha, q, s, m, K);
    DeviceBuffer dx = device(x);
    DeviceBuffer dscale = device(scale);
    DeviceBuffer dalpha = device(alpha);
    DeviceBuffer dq = DeviceBuffer.allocate(RUNTIME, DataType.I8, m * K);
    DeviceBuffer ds = DeviceBuffer.allocate(RUNTIME, DataType.F32, m);
    RUNTIME.quantise(dx, dscale, dalpha, dq, ds, m, K, STREAM);
    Problems.assertSameBits(read(dq, STREAM), q);
    Problems.assertSameBits(read(ds, STREAM), s);
    closeAll(dx, dscale, dalpha, dq, ds);
  }

  @ParameterizedTest
  @EnumSource(Layout.class)
  void a16IsWithinItsBoundAndTheSameBitsForAnyM(Layout layout) {
    int m = 20;
    for (DataType type : new DataType[] {DataType.BF16, DataType.F16, DataType.F32}) {
      TernaryBuffer x = Problems.activations(random, type, m * K);
      TernaryBuffer expected = TernaryBuffer.allocate(DataType.F32, m * N);
      DeviceBuffer dx = device(x);
      DeviceBuffer dy = DeviceBuffer.allocate(RUNTIME, DataType.F32, m * N);
      try (TernaryWeights weights = weights(AlphaKind.ROW, layout, N, K);
          TernaryLinear linear =
              TernaryLinear.builder(RUNTIME, weights).activation(Activation.A16).build()) {
        Oracle.linear(weights, Activation.A16, null, x, K, null, expected, N, m);
        RUNTIME.resetCounters();
        linear.apply(dx, dy, m, STREAM);
        TernaryBuffer y = read(dy, STREAM);
        Accuracy.ofSums(K, Accuracy.magnitudes(x, K, null, m, K, weights.alpha().values()), null)
            .assertWithin(y, expected, m, N, N);
        for (int rows : new int[] {19, 18}) { // the contract is for one path
          linear.apply(dx.slice(K, rows * K), dy.slice(0, rows * N), rows, STREAM);
          Problems.assertSameBits(read(dy.slice(0, rows * N), STREAM), y.slice(N, rows * N));
        }
        assertThat(RUNTIME.pathCounts()).hasSize(1).containsValue(3L);
      }
      closeAll(dx, dy);
    }
  }

  /** Three layers of which each reads what the one before writes, given to the stream at once. */
  private final class Chain implements AutoCloseable {
    private final int m;
    private final TernaryWeights[] weights = {
      weights(AlphaKind.ROW, Layout.I2S_TILED, 96, 200),
      weights(AlphaKind.GROUP, Layout.I2S_TILED, 320, 96),
      weights(AlphaKind.TENSOR, Layout.T5_TILED, 48, 320)
    };
    private final float[] norm = Problems.floats(random, 96);
    private final TernaryLinear first;
    private final RmsNormLinear second;
    private final TernaryLinear third;
    private final DeviceBuffer[] values;
    private final DeviceBuffer workspace;

    Chain(TernaryRuntime runtime, int m) {
      this.m = m;
      first = TernaryLinear.builder(runtime, weights[0]).build();
      second = RmsNormLinear.builder(runtime, weights[1]).norm(norm, EPS).build();
      third = TernaryLinear.builder(runtime, weights[2]).build();
      values =
          IntStream.of(200, 96, 320, 48)
              .mapToObj(columns -> DeviceBuffer.allocate(runtime, DataType.F32, (long) m * columns))
              .toArray(DeviceBuffer[]::new);
      long bytes =
          Math.max(
              first.workspaceBytes(m), Math.max(second.workspaceBytes(m), third.workspaceBytes(m)));
      workspace = DeviceBuffer.allocate(runtime, DataType.I8, Math.max(256, bytes));
    }

    TernaryBuffer input() {
      return Problems.activations(random, DataType.F32, m * 200);
    }

    void give(CudaStream stream) {
      first.apply(values[0], 200, null, values[1], 96, m, stream, workspace);
      second.apply(values[1], 96, null, null, null, 96, values[2], 320, m, stream, workspace);
      third.apply(values[2], 320, null, values[3], 48, m, stream, workspace);
    }

    void assertRight(TernaryBuffer x, TernaryBuffer y) {
      TernaryBuffer a = TernaryBuffer.allocate(DataType.F32, m * 96);
      TernaryBuffer b = TernaryBuffer.allocate(DataType.F32, m * 320);
      TernaryBuffer expected = TernaryBuffer.allocate(DataType.F32, m * 48);
      Oracle.linear(weights[0], Activation.A8, null, x, 200, null, a, 96, m);
      Oracle.rmsNormLinear(
          weights[1], Activation.A8, norm, EPS, null, a, 96, null, null, null, 96, b, 320, m);
      Oracle.linear(weights[2], Activation.A8, null, b, 320, null, expected, 48, m);
      Problems.assertSameBits(y, expected);
    }

    @Override
    public void close() {
      first.close();
      second.close();
      third.close();
      closeAll(values);
      workspace.close();
      for (TernaryWeights each : weights) {
        each.close();
      }
    }
  }

  static Stream<Arguments> chains() {
    return Stream.of(true, false)
        .flatMap(pdl -> IntStream.of(1, 8, 24).mapToObj(m -> Arguments.of(pdl, m)));
  }

  @ParameterizedTest
  @MethodSource("chains")
  void chainsOfThreeLayersGiveTheOraclesBits(boolean pdl, int m) {
    try (TernaryRuntime runtime = TernaryRuntime.builder().enablePdl(pdl).build();
        Chain chain = new Chain(runtime, m)) {
      TernaryBuffer x = chain.input();
      chain.values[0].copyFrom(x, STREAM);
      chain.give(STREAM);
      chain.give(
          STREAM); // the second time what the first wrote is written again while its readers may
      // still run
      chain.assertRight(x, read(chain.values[3], STREAM));
    }
  }

  @Test
  void aGraphOfAChainGivesTheOraclesBitsEachOfThreeTimes() {
    try (Chain chain = new Chain(RUNTIME, 4);
        CudaGraph graph = STREAM.capture(() -> chain.give(STREAM))) {
      for (int launch = 0; launch < 3; launch++) {
        TernaryBuffer x = chain.input();
        chain.values[0].copyFrom(x, STREAM);
        graph.launch(STREAM);
        chain.assertRight(x, read(chain.values[3], STREAM));
      }
    }
  }

  static Stream<Arguments> captured() {
    return Stream.of(Layout.I2S_TILED, Layout.T5_TILED)
        .flatMap(
            layout ->
                Stream.of(Activation.A8, Activation.A16)
                    .flatMap(
                        activation ->
                            IntStream.of(1, 8, 33)
                                .mapToObj(m -> Arguments.of(layout, activation, m))));
  }

  /** Every operation is captured and launched three times, with other activations each time. */
  @ParameterizedTest
  @MethodSource("captured")
  void everyOperationCanBeCaptured(Layout layout, Activation activation, int m) {
    float[] norm = Problems.floats(random, K);
    DeviceBuffer x = DeviceBuffer.allocate(RUNTIME, DataType.F32, m * K);
    DeviceBuffer residual = DeviceBuffer.allocate(RUNTIME, DataType.F32, m * K);
    DeviceBuffer y = DeviceBuffer.allocate(RUNTIME, DataType.F32, m * N);
    DeviceBuffer normed = DeviceBuffer.allocate(RUNTIME, DataType.F32, m * N);
    DeviceBuffer q = DeviceBuffer.allocate(RUNTIME, DataType.I8, m * K);
    DeviceBuffer s = DeviceBuffer.allocate(RUNTIME, DataType.F32, m);
    TernaryWeights weights = weights(AlphaKind.ROW, layout, N, K);
    TernaryLinear linear = TernaryLinear.builder(RUNTIME, weights).activation(activation).build();
    RmsNormLinear fused =
        RmsNormLinear.builder(RUNTIME, weights).activation(activation).norm(norm, EPS).build();
    DeviceBuffer workspace =
        DeviceBuffer.allocate(RUNTIME, DataType.I8, Math.max(256, linear.workspaceBytes(m)));
    CudaGraph graph =
        STREAM.capture(
            () -> {
              linear.apply(x, K, null, y, N, m, STREAM, workspace);
              fused.apply(x, K, null, residual, residual, K, normed, N, m, STREAM, workspace);
              RUNTIME.quantise(x, null, null, q, s, m, K, STREAM);
            });
    for (int launch = 0; launch < 3; launch++) {
      TernaryBuffer hostX = Problems.activations(random, DataType.F32, m * K);
      TernaryBuffer hostResidual = Problems.activations(random, DataType.F32, m * K);
      x.copyFrom(hostX, STREAM);
      residual.copyFrom(hostResidual, STREAM);
      graph.launch(STREAM);
      TernaryBuffer gotY = read(y, STREAM);
      TernaryBuffer gotNormed = read(normed, STREAM);
      TernaryBuffer gotResidual = read(residual, STREAM);
      TernaryBuffer gotQ = read(q, STREAM);
      // Not captured: the same calls one by one, which other tests compare with the oracle.
      residual.copyFrom(hostResidual, STREAM);
      linear.apply(x, y, m, STREAM);
      fused.apply(x, residual, residual, normed, m, STREAM);
      RUNTIME.quantise(x, null, null, q, s, m, K, STREAM);
      Problems.assertSameBits(gotY, read(y, STREAM));
      Problems.assertSameBits(gotNormed, read(normed, STREAM));
      Problems.assertSameBits(gotResidual, read(residual, STREAM));
      Problems.assertSameBits(gotQ, read(q, STREAM));
      if (activation.isA8()) {
        TernaryBuffer expected = TernaryBuffer.allocate(DataType.F32, m * N);
        Oracle.linear(weights, activation, null, hostX, K, null, expected, N, m);
        Problems.assertSameBits(gotY, expected);
      }
    }
    graph.close();
    linear.close();
    fused.close();
    weights.close();
    closeAll(x, residual, y, normed, q, s, workspace);
  }

  @Test
  void twoStreamsAtOnceGiveTheSameBits() {
    try (CudaStream other = CudaStream.create(RUNTIME);
        TernaryWeights weights = weights(AlphaKind.ROW, Layout.I2S_TILED, N, K);
        TernaryLinear linear = TernaryLinear.builder(RUNTIME, weights).build()) {
      int rounds = 6;
      CudaStream[] streams = {STREAM, other};
      TernaryBuffer[] inputs = new TernaryBuffer[rounds];
      DeviceBuffer[] xs = new DeviceBuffer[rounds];
      DeviceBuffer[] ys = new DeviceBuffer[rounds];
      for (int i = 0; i < rounds; i++) {
        inputs[i] = Problems.activations(random, DataType.F32, (i + 1) * K);
        xs[i] = device(inputs[i]);
        ys[i] = DeviceBuffer.allocate(RUNTIME, DataType.F32, (i + 1) * N);
      }
      for (int i = 0; i < rounds; i++) {
        linear.apply(
            xs[i], ys[i], i + 1, streams[i % 2]); // the runtime's own workspaces, one a stream
      }
      for (int i = 0; i < rounds; i++) {
        TernaryBuffer expected = TernaryBuffer.allocate(DataType.F32, (i + 1) * N);
        Oracle.linear(weights, Activation.A8, null, inputs[i], K, null, expected, N, i + 1);
        Problems.assertSameBits(read(ys[i], streams[i % 2]), expected);
      }
      closeAll(xs);
      closeAll(ys);
    }
  }

  @Test
  void graphsOnTwoStreamsGiveTheSameBits() {
    try (CudaStream other = CudaStream.create(RUNTIME);
        Chain one = new Chain(RUNTIME, 2);
        Chain two = new Chain(RUNTIME, 3);
        CudaGraph first = STREAM.capture(() -> one.give(STREAM));
        CudaGraph second = other.capture(() -> two.give(other))) {
      TernaryBuffer x = one.input();
      TernaryBuffer z = two.input();
      one.values[0].copyFrom(x, STREAM);
      two.values[0].copyFrom(z, other);
      for (int i = 0; i < 3; i++) {
        first.launch(STREAM);
        second.launch(other);
      }
      one.assertRight(x, read(one.values[3], STREAM));
      two.assertRight(z, read(two.values[3], other));
    }
  }

  @Test
  void countersSayWhichKernelServedAndWhyAnotherDidNot() {
    String gpu = "\\.cuda\\." + RUNTIME.device().library();
    try (TernaryRuntime runtime = TernaryRuntime.create();
        TernaryRuntime dense = TernaryRuntime.builder().prefillSkipM(4).build();
        TernaryRuntime strict = TernaryRuntime.builder().prefillSkipM(4).i2sOnly(true).build();
        TernaryWeights i2s = weights(AlphaKind.ROW, Layout.I2S_TILED, N, K);
        TernaryWeights t5 = weights(AlphaKind.ROW, Layout.T5_TILED, N, K)) {
      for (Layout layout : new Layout[] {Layout.I2S_TILED, Layout.T5_TILED}) {
        for (Activation activation : List.of(Activation.A8, Activation.A16)) {
          for (int m : new int[] {1, 2, 8, 17, 64}) {
            String weights = layout == Layout.I2S_TILED ? "i2s" : "t5";
            boolean gemv = m == 1 && runtime.infoJson().contains("gemv_a8_" + weights + "_dp4a");
            String kernel =
                !activation.isA8()
                    ? "gemm_a16_" + weights
                    : (gemv ? "gemv_(a8|fused)_" : "gem[mv]_(a8|fused)_")
                        + weights
                        + "(_dp4a|_mma)?";
            assertThat(path(runtime, layout == Layout.I2S_TILED ? i2s : t5, activation, m))
                .as("M = %d", m)
                .matches("linear\\." + kernel + gpu);
          }
        }
      }
      assertThat(path(dense, i2s, Activation.A8, 5)).matches("linear\\.gemm_a8_dense" + gpu);
      assertThat(dense.fallbackCounts())
          .isNotEmpty()
          .allSatisfy((key, count) -> assertThat(key).startsWith("linear.").endsWith(":setting"));
      assertThatThrownBy(() -> path(strict, i2s, Activation.A8, 5))
          .isInstanceOf(TernaryException.class)
          .hasMessageContaining("TERNARY_I2S_ONLY");
      assertThat(path(strict, i2s, Activation.A8, 4))
          .matches("linear\\.gem[mv]_(a8|fused)_i2s[a-z0-9_]*" + gpu);
    }
  }

  /** The path that one call of a layer takes. */
  private String path(
      TernaryRuntime runtime, TernaryWeights weights, Activation activation, int m) {
    DeviceBuffer x =
        DeviceBuffer.copyOf(runtime, Problems.activations(random, DataType.F16, m * K));
    DeviceBuffer y = DeviceBuffer.allocate(runtime, DataType.F16, m * N);
    runtime.resetCounters();
    try (TernaryLinear linear =
        TernaryLinear.builder(runtime, weights).activation(activation).build()) {
      linear.apply(x, y, m, STREAM);
      STREAM.synchronize();
    } finally {
      closeAll(x, y);
    }
    Map<String, Long> counts = runtime.pathCounts();
    assertThat(counts).hasSize(1).containsValue(1L);
    return counts.keySet().iterator().next();
  }

  @Test
  void aCallAllocatesNothing() {
    try (TernaryWeights weights = weights(AlphaKind.ROW, Layout.I2S_TILED, N, K);
        TernaryLinear linear = TernaryLinear.builder(RUNTIME, weights).build();
        DeviceBuffer x = DeviceBuffer.allocate(RUNTIME, DataType.BF16, K);
        DeviceBuffer y = DeviceBuffer.allocate(RUNTIME, DataType.BF16, N)) {
      int runs = TestDevice.repetitions(1000, 100);
      assertThat(Allocations.ofRuns(runs, () -> linear.apply(x, y, 1, STREAM))).isLessThan(runs);
      STREAM.synchronize();
    }
  }

  @Test
  void wrongOperandsAreRefusedAndNothingIsWritten() {
    int m = 2;
    DeviceBuffer x = DeviceBuffer.allocate(RUNTIME, DataType.F32, m * K);
    DeviceBuffer y = device(Problems.filled(DataType.F32, m * N, 77));
    CudaStream closedStream = CudaStream.create(RUNTIME);
    closedStream.close();
    DeviceBuffer closed = DeviceBuffer.allocate(RUNTIME, DataType.F32, m * K);
    closed.close();
    try (TernaryRuntime cpu = TestDevice.onCpu().build();
        TernaryWeights weights = weights(AlphaKind.ROW, Layout.I2S_TILED, N, K);
        TernaryLinear linear = TernaryLinear.builder(RUNTIME, weights).build();
        TernaryLinear onCpu = TernaryLinear.builder(cpu, weights).build()) {
      assertRejected(() -> linear.apply(x, y, m, null), "stream is null");
      assertRejected(() -> linear.apply((DeviceBuffer) null, y, m, STREAM), "x is null");
      assertRejected(() -> linear.apply(x, null, m, STREAM), "y is null");
      assertRejected(() -> linear.apply(x, y, 3, STREAM), "x has " + 4 * m * K + " bytes");
      assertRejected(() -> linear.apply(x, y, 0, STREAM), "M is 0");
      assertRejected(() -> linear.apply(x, x, 1, STREAM), "y overlaps x");
      assertRejected(() -> linear.apply(x, K - 1, null, y, N, 1, STREAM, null), "row stride of x");
      assertRejected(() -> linear.apply(x, K, null, y, N, 1, STREAM, x), "workspace overlaps x");
      assertThatThrownBy(() -> linear.apply(closed, y, 1, STREAM))
          .isInstanceOf(IllegalStateException.class)
          .hasMessage("x is a device buffer that is closed, must be open");
      assertThatThrownBy(() -> linear.apply(x, y, 1, closedStream))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("the stream is closed");
      assertThatThrownBy(() -> onCpu.apply(x, y, 1, STREAM))
          .isInstanceOf(TernaryException.class)
          .hasMessageContainingAll("is the CPU", "must be a GPU");
      assertThatThrownBy(() -> onCpu.workspaceBytes(1)).isInstanceOf(TernaryException.class);
      assertThatThrownBy(
              () ->
                  cpu.quantise(
                      x,
                      null,
                      null,
                      DeviceBuffer.allocate(RUNTIME, DataType.I8, K),
                      y,
                      1,
                      K,
                      STREAM))
          .isInstanceOf(TernaryException.class)
          .hasMessageContaining("is the CPU");
      assertRejected(() -> linear.workspaceBytes(0), "M is 0");
      assertThat(read(y, STREAM).toArray()).containsOnly(77f);
      linear.close();
      assertThatThrownBy(() -> linear.apply(x, y, 1, STREAM))
          .isInstanceOf(IllegalStateException.class)
          .hasMessage("the layer is closed, must be open");
    }
    closeAll(x, y);
  }

  @Test
  void workspacesThatWillNotDoAreRefused() {
    int m = 64; // a GEMM, which needs its rows of q
    DeviceBuffer x = DeviceBuffer.allocate(RUNTIME, DataType.F32, m * K);
    DeviceBuffer y = DeviceBuffer.allocate(RUNTIME, DataType.F32, m * N);
    try (TernaryWeights weights = weights(AlphaKind.ROW, Layout.I2S_TILED, N, K);
        TernaryLinear linear = TernaryLinear.builder(RUNTIME, weights).build()) {
      long bytes = linear.workspaceBytes(m);
      assertThat(bytes).isPositive().isLessThanOrEqualTo(linear.workspaceBytes(2 * m));
      DeviceBuffer workspace = DeviceBuffer.allocate(RUNTIME, DataType.I8, bytes + 1);
      linear.apply(x, K, null, y, N, m, STREAM, workspace);
      linear.apply(x, K, null, y, N, m, STREAM, workspace.slice(0, bytes));
      assertRejected(
          () -> linear.apply(x, K, null, y, N, m, STREAM, workspace.slice(0, 16)),
          "workspace",
          "16");
      assertRejected(
          () -> linear.apply(x, K, null, y, N, m, STREAM, workspace.slice(1, bytes)),
          "workspace",
          "256");
      assertThatThrownBy(() -> STREAM.capture(() -> linear.apply(x, y, m, STREAM)))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("workspace");
      linear.apply(x, y, m, STREAM); // the stream is usable
      STREAM.synchronize();
      workspace.close();
    }
    closeAll(x, y);
  }
}
