package org.ternarykernels.benchmark;

import java.io.IOException;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.ternarykernels.Isa;
import org.ternarykernels.Layout;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.tool.bench.Workload;
import org.ternarykernels.tool.jmh.JmhRates;
import org.ternarykernels.tool.problem.Shape;
import org.ternarykernels.tool.problem.WeightCopies;

/**
 * What the benchmarks of layers share: parameters, and operands that are checked against the oracle
 * before they are timed.
 *
 * <p>Average time, because a decode step waits for every layer. One fork: the natives do the work,
 * the JIT has little to vary. Half-second iterations: a hundred and more calls of the slowest M =
 * 1, and a scheduler's tick is nothing in them.
 *
 * <p>The whole list takes hours; {@code -p} picks, for example {@code -p shape=bitnet-2b-4t/o -p
 * m=1,8 -p layout=I2S_TILED}. {@code ternary bench} measures the same calls in turns with the
 * machine's limits and oneDNN.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 2, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Fork(1)
@State(Scope.Benchmark)
public abstract class LayerBenchmark {
  private static final long SEED = 1;

  /** A shape file of test-data/shapes and a name in it, or NxK. */
  @Param({
    "bitnet-2b-4t/qkv",
    "bitnet-2b-4t/o",
    "bitnet-2b-4t/gate_up",
    "bitnet-2b-4t/down",
    "llama3-8b-1.58/gate_up",
    "qwen3-30b-a3b/expert_gate_up",
    "qwen3-30b-a3b/expert_down"
  })
  public String shape;

  @Param({"1", "2", "4", "8", "16", "32", "64", "128", "512"})
  public int m;

  @Param({"I2S_TILED", "T5_TILED", "T3_TILED"})
  public String layout;

  /**
   * Highest instruction set, or best; one that the machine lacks ends the trial with the library's
   * sentence.
   */
  @Param("best")
  public String isa;

  /** Of a call; 0 is the process's physical cores. */
  @Param("0")
  public int threads;

  @Param({"resident", "streaming"})
  public String memory;

  private TernaryRuntime runtime;
  private WeightCopies weights;
  private Workload workload;

  final void prepare(Workload.Operation operation) throws IOException {
    runtime = runtime(isa, threads);
    weights =
        new WeightCopies(
            Shape.named(shape),
            SEED,
            Layout.valueOf(layout),
            WeightCopies.State.valueOf(memory.toUpperCase(Locale.ROOT)));
    workload = Workload.of(operation, runtime, weights, m);
    workload.check();
    JmhRates.call(workload.bytes(), workload.operations());
  }

  static TernaryRuntime runtime(String isa, int threads) {
    TernaryRuntime.Builder builder = TernaryRuntime.builder();
    if (!isa.equals("best")) {
      builder.maxIsa(Isa.of(isa));
    }
    if (threads > 0) {
      builder.threads(threads);
    }
    return builder.build();
  }

  final Workload workload() {
    return workload;
  }

  @TearDown(Level.Trial)
  public void end() {
    workload.close();
    weights.close();
    runtime.close();
  }
}
