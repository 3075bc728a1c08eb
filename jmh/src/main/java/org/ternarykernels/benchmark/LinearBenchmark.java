package org.ternarykernels.benchmark;

import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.ternarykernels.Activation;
import org.ternarykernels.Alpha;
import org.ternarykernels.DataType;
import org.ternarykernels.Isa;
import org.ternarykernels.Oracle;
import org.ternarykernels.TernaryBuffer;
import org.ternarykernels.TernaryLinear;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.TernaryWeights;

/**
 * {@code linear} with int8 activations on the layers of the BitNet-2B-4T block, bf16 in and out.
 *
 * <p>Average time, because a decode step waits for every layer. One fork: the natives do the work, the JIT has little to
 * vary. Weights stay in the last-level cache where they fit; a whole model's would not.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 2, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Fork(1)
@State(Scope.Benchmark)
public class LinearBenchmark {
  /** {@code N x K} of a layer; test-data/shapes/bitnet-2b-4t.txt says which. */
  @Param({"3840x2560", "2560x2560", "13824x2560", "2560x6912"})
  public String shape;

  @Param({"1", "32"})
  public int m;

  /** Highest instruction set; one that the machine lacks ends the trial with the library's sentence. */
  @Param({"avx2"})
  public String isa;

  private TernaryRuntime runtime;
  private TernaryLinear layer;
  private TernaryBuffer x;
  private TernaryBuffer y;

  @Setup(Level.Trial)
  public void prepare() {
    String[] sizes = shape.split("x");
    int n = Integer.parseInt(sizes[0]);
    int k = Integer.parseInt(sizes[1]);
    SplittableRandom random = new SplittableRandom(1);
    byte[] w = new byte[n * k];
    for (int i = 0; i < w.length; i++) {
      w[i] = (byte) (random.nextInt(3) - 1);
    }
    float[] values = new float[m * k];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextDouble(-1, 1);
    }
    x = TernaryBuffer.copyOf(DataType.BF16, values);
    y = TernaryBuffer.allocate(DataType.BF16, (long) m * n);
    runtime = TernaryRuntime.builder().maxIsa(Isa.of(isa)).build();
    try (TernaryWeights weights = TernaryWeights.pack(w, n, k, Alpha.tensor(0.02f))) {
      layer = TernaryLinear.builder(runtime, weights).activation(Activation.A8).build();
      check(weights);
    }
  }

  /** The bits that are timed must be the oracle's. */
  private void check(TernaryWeights weights) {
    layer.apply(x, y, m);
    TernaryBuffer expected = TernaryBuffer.allocate(DataType.BF16, y.elements());
    Oracle.linear(weights, Activation.A8, null, x, weights.k(), null, expected, weights.n(), m);
    if (!Arrays.equals(y.toArray(), expected.toArray())) {
      throw new IllegalStateException(
          "shape " + shape + ", M " + m + ", " + isa + ": the result differs from the oracle's");
    }
  }

  @TearDown(Level.Trial)
  public void end() {
    layer.close();
    runtime.close();
  }

  @Benchmark
  public TernaryBuffer linear() {
    layer.apply(x, y, m);
    return y;
  }
}
