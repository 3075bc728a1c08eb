package org.ternarykernels.benchmark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

/** The benchmark's own check runs and compares with the oracle; JMH itself is not started here. */
class LinearBenchmarkTest {
  @Test
  void aTrialChecksItsResultAndMultiplies() {
    LinearBenchmark benchmark = new LinearBenchmark();
    benchmark.shape = "40x70";
    benchmark.m = 3;
    benchmark.isa = "portable";
    benchmark.prepare();
    float[] checked = benchmark.linear().toArray();
    assertThat(checked).hasSize(120);
    assertThat(benchmark.linear().toArray()).isEqualTo(checked);
    benchmark.end();
    assertThatThrownBy(benchmark::linear).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void anInstructionSetThatDoesNotExistIsNamed() {
    LinearBenchmark benchmark = new LinearBenchmark();
    benchmark.shape = "4x4";
    benchmark.m = 1;
    benchmark.isa = "sse9";
    assertThatThrownBy(benchmark::prepare).hasMessageContaining("sse9");
  }
}
