package org.ternarykernels.benchmark;

import java.io.IOException;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Setup;
import org.ternarykernels.tool.bench.Workload;

/** {@code linear} with int8 activations, bf16 in and out, quantisation included. */
public class LinearBenchmark extends LayerBenchmark {
  @Setup(Level.Trial)
  public void prepare() throws IOException {
    prepare(Workload.Operation.LINEAR);
  }

  @Benchmark
  public void linear() {
    workload().run();
  }
}
