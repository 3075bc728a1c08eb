package org.ternarykernels.benchmark;

import java.io.IOException;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Setup;
import org.ternarykernels.tool.bench.Workload;

/**
 * {@code rmsnorm_linear}: residual add, norm, quantisation and product in one call, bf16 in and
 * out.
 */
public class RmsNormBenchmark extends LayerBenchmark {
  @Setup(Level.Trial)
  public void prepare() throws IOException {
    prepare(Workload.Operation.RMSNORM_LINEAR);
  }

  @Benchmark
  public void rmsNorm() {
    workload().run();
  }
}
