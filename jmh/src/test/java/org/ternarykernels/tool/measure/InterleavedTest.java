package org.ternarykernels.tool.measure;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class InterleavedTest {
  @Test
  void contendersTakeTurns() {
    StringBuilder order = new StringBuilder();
    double[][] nanos =
        Interleaved.run(
            List.of(
                slice -> {
                  order.append('A');
                  return 1;
                },
                slice -> {
                  order.append('B');
                  return 2;
                }),
            1000,
            0);
    assertThat(order.toString())
        .isEqualTo("AB".repeat(1 + Interleaved.FEWEST_ROUNDS)); // one warm-up
    assertThat(nanos[0]).hasSize(Interleaved.FEWEST_ROUNDS).containsOnly(1);
    assertThat(nanos[1]).hasSize(Interleaved.FEWEST_ROUNDS).containsOnly(2);
  }

  @Test
  void aSliceLastsAndCountsItsCalls() {
    List<Long> calls = new ArrayList<>();
    long begin = System.nanoTime();
    double nanos = Interleaved.of(() -> calls.add(System.nanoTime())).slice(2_000_000);
    long lasted = System.nanoTime() - begin;
    assertThat(lasted).isGreaterThanOrEqualTo(2_000_000);
    assertThat(nanos).isBetween((double) 2_000_000 / calls.size(), (double) lasted);
    assertThat(calls).hasSizeGreaterThan(2);
    assertThat(Interleaved.of(() -> {}).slice(0)).as("at least one call").isNotNaN();
  }
}
