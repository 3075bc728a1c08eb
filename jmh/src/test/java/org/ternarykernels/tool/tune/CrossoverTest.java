package org.ternarykernels.tool.tune;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class CrossoverTest {
  private static long crossover(double... ratios) {
    Crossover crossover = new Crossover();
    for (int i = 0; i < ratios.length; i++) {
      crossover.add(10 * (i + 1), new double[] {1, ratios[i]});
    }
    return crossover.from();
  }

  @Test
  void aThresholdLosesTheLeastOverAllPlaces() {
    assertThat(crossover(2, 1.5, 0.8, 0.5)).isEqualTo(30);
    assertThat(crossover(2, 0.99, 1.5, 0.8, 1.05, 0.5)).isEqualTo(40); // noise before and after
    assertThat(crossover(0.9, 0.8)).isEqualTo(10);
    assertThat(crossover(1.1, 1.2)).isEqualTo(21);
  }
}
