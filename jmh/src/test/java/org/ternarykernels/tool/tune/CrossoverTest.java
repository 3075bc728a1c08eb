package org.ternarykernels.tool.tune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

class CrossoverTest {
  private static long crossover(double... ratios) {
    Crossover crossover = new Crossover();
    for (int i = 0; i < ratios.length; i++) {
      crossover.add(10 * (i + 1), new double[][] {{1}, {ratios[i]}});
    }
    return crossover.from();
  }

  /** Of one place whose rounds have these ratios. */
  private static double noise(double... ratios) {
    double[] first = new double[ratios.length];
    Arrays.fill(first, 2);
    double[] second = Arrays.stream(ratios).map(ratio -> 2 * ratio).toArray();
    Crossover crossover = new Crossover();
    crossover.add(1, new double[][] {{1}, {0.5}});
    crossover.add(2, new double[][] {first, second});
    return crossover.noise();
  }

  @Test
  void whatMayBeClearlyFasterAndClearlySlowerIsNoise() {
    assertThat(noise(0.8, 1, 1.2)).isCloseTo(0.2, within(1e-12));
    assertThat(noise(0.95, 1, 1.05)).isZero(); // both are as fast
    assertThat(noise(0.5, 0.8, 1.05)).isZero(); // wide, and the second is no slower
    assertThat(noise(1.2, 2, 9)).isZero(); // wide, and the first is faster
    assertThat(noise(0.91, 1, 9)).isZero();
    assertThat(noise(0.5, 1, 1.1)).isZero();
  }

  @Test
  void aThresholdLosesTheLeastOverAllPlaces() {
    assertThat(crossover(2, 1.5, 0.8, 0.5)).isEqualTo(30);
    assertThat(crossover(2, 0.99, 1.5, 0.8, 1.05, 0.5)).isEqualTo(40); // noise before and after
    assertThat(crossover(0.9, 0.8)).isEqualTo(10);
    assertThat(crossover(1.1, 1.2)).isEqualTo(21);
  }
}
