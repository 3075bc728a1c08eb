package org.ternarykernels.benchmark;

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
import org.ternarykernels.Layout;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.tool.bench.Workload;
import org.ternarykernels.tool.jmh.JmhRates;
import org.ternarykernels.tool.problem.Shape;
import org.ternarykernels.tool.problem.WeightCopies;

/**
 * {@code quantise_activations} alone: M rows of K in bf16 to int8 and a scale each. Annotations as
 * in LayerBenchmark.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 2, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Fork(1)
@State(Scope.Benchmark)
public class QuantiseBenchmark {
  /** The K of the bundled shapes. */
  @Param({"768", "2048", "2560", "3200", "4096", "6912", "8640", "14336", "23040"})
  public int k;

  @Param({"1", "2", "4", "8", "16", "32", "64", "128", "512"})
  public int m;

  @Param("best")
  public String isa;

  @Param("0")
  public int threads;

  private TernaryRuntime runtime;
  private WeightCopies weights;
  private Workload workload;

  @Setup(Level.Trial)
  public void prepare() {
    runtime = LayerBenchmark.runtime(isa, threads);
    weights =
        new WeightCopies(
            new Shape(1, k, "K"), 1, Layout.I2S_TILED, WeightCopies.State.RESIDENT); // for its K
    workload = Workload.of(Workload.Operation.QUANTISE_ACTIVATIONS, runtime, weights, m);
    workload.check();
    JmhRates.call(workload.bytes(), workload.operations());
  }

  @Benchmark
  public void quantise() {
    workload.run();
  }

  @TearDown(Level.Trial)
  public void end() {
    workload.close();
    weights.close();
    runtime.close();
  }
}
