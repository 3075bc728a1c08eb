package org.ternarykernels.benchmark;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.ternarykernels.Activation;
import org.ternarykernels.Alpha;
import org.ternarykernels.DataType;
import org.ternarykernels.Oracle;
import org.ternarykernels.TernaryBuffer;
import org.ternarykernels.TernaryLinear;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.TernaryWeights;
import org.ternarykernels.tool.jmh.JmhRates;

/**
 * What a call costs beside its work: a layer of 16 x 16 on one row of bf16, default settings,
 * counters on. Take away what the kernels need for it, which {@code kernels_bench} shows
 * (native/bench, the shape 16x16: activations and gemv).
 *
 * <p>Nanoseconds and three forks: what is measured is mostly what the JIT made of the checks.
 * {@code -prof gc} shows that nothing is allocated.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 4, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Fork(3)
@State(Scope.Benchmark)
public class CallOverheadBenchmark {
  private static final int SIZE = 16;

  private final ByteBuffer xBytes = direct();
  private final ByteBuffer yBytes = direct();
  private final TernaryBuffer xView = TernaryBuffer.of(xBytes, DataType.BF16);
  private final TernaryBuffer yView = TernaryBuffer.of(yBytes, DataType.BF16);
  private TernaryRuntime runtime;
  private TernaryLinear layer;

  private static ByteBuffer direct() {
    return ByteBuffer.allocateDirect(SIZE * Short.BYTES).order(ByteOrder.nativeOrder());
  }

  @Setup(Level.Trial)
  public void prepare() {
    byte[] w = new byte[SIZE * SIZE];
    for (int i = 0; i < w.length; i++) {
      w[i] = (byte) (i * 7 % 3 - 1);
    }
    for (int i = 0; i < SIZE; i++) {
      xView.put(i, i - 7.5f);
    }
    runtime = TernaryRuntime.create();
    try (TernaryWeights weights = TernaryWeights.pack(w, SIZE, SIZE, Alpha.tensor(0.5f))) {
      layer = TernaryLinear.builder(runtime, weights).build();
      TernaryBuffer expected = TernaryBuffer.allocate(DataType.BF16, SIZE);
      Oracle.linear(weights, Activation.A8, null, xView, SIZE, null, expected, SIZE, 1);
      reusedViews();
      if (!Arrays.equals(yView.toArray(), expected.toArray())) {
        throw new IllegalStateException("the result differs from the oracle's");
      }
      JmhRates.call(weights.byteSize(), 2.0 * SIZE * SIZE);
    }
  }

  /** The views live as long as the layer. */
  @Benchmark
  public void reusedViews() {
    layer.apply(xView, yView, 1);
  }

  /** The views are bound to other direct buffers for each call. */
  @Benchmark
  public void directByteBuffers() {
    layer.apply(xView.set(xBytes, DataType.BF16), yView.set(yBytes, DataType.BF16), 1);
  }

  @TearDown(Level.Trial)
  public void end() {
    layer.close();
    runtime.close();
  }
}
