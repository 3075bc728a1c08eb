package org.ternarykernels.tool.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Against tables of the binomial distribution, and against its own promise on samples. */
class MedianIntervalTest {
  private static double[] upTo(int n) {
    return IntStream.rangeClosed(1, n).mapToDouble(i -> i).toArray();
  }

  @Test
  void ranksAreThoseOfTheTables() {
    // n, lower rank, coverage in percent: Conover, Practical Nonparametric Statistics, and any
    // table of binomial(n, 1/2).
    double[][] known = {
      {6, 1, 96.88},
      {7, 1, 98.44},
      {8, 1, 99.22},
      {9, 2, 96.09},
      {10, 2, 97.85},
      {15, 4, 96.48},
      {20, 6, 95.86},
      {25, 8, 95.67},
      {100, 40, 96.48}
    };
    for (double[] row : known) {
      int n = (int) row[0];
      MedianInterval interval = MedianInterval.of(upTo(n));
      assertThat(interval.low()).as("n %d", n).isEqualTo(row[1]);
      assertThat(interval.high()).as("n %d", n).isEqualTo(n + 1 - row[1]);
      assertThat(100 * interval.coverage()).as("n %d", n).isCloseTo(row[2], within(0.006));
      assertThat(interval.median()).isEqualTo((n + 1) / 2.0);
      assertThat(interval.error()).isEqualTo((n + 1) / 2.0 - row[1]);
      assertThat(interval.count()).isEqualTo(n);
    }
  }

  @Test
  void fewValuesGiveTheirRangeAndSayHowLittleThatIs() {
    assertThat(MedianInterval.of(3)).isEqualTo(new MedianInterval(3, 3, 3, 0, 1));
    assertThat(MedianInterval.of(5, 1, 3)).isEqualTo(new MedianInterval(3, 1, 5, 0.75, 3));
    assertThat(MedianInterval.of(4, 1)).isEqualTo(new MedianInterval(2.5, 1, 4, 0.5, 2));
  }

  @Test
  void intervalsHoldTheMedianAsOftenAsTheySay() {
    Random random = new Random(1);
    int held = 0;
    int trials = 4000;
    for (int trial = 0; trial < trials; trial++) {
      double[] skewed =
          IntStream.range(0, 21).mapToDouble(i -> Math.exp(3 * random.nextGaussian())).toArray();
      MedianInterval interval = MedianInterval.of(skewed);
      held += interval.low() <= 1 && 1 <= interval.high() ? 1 : 0; // e^0 is the median
    }
    double promised = MedianInterval.of(upTo(21)).coverage();
    assertThat((double) held / trials)
        .isCloseTo(promised, within(4 * Math.sqrt(promised * (1 - promised) / trials)));
  }

  @Test
  void ratiosAreOfPairsNotOfMedians() {
    // A neighbour slows both of a pair threefold now and then: the ratio does not notice.
    double[] a = {2, 6, 2, 6, 6, 2, 6};
    double[] b = {1, 3, 1, 3, 3, 1, 3};
    assertThat(MedianInterval.ofRatios(a, b))
        .isEqualTo(new MedianInterval(2, 2, 2, MedianInterval.of(a).coverage(), 7));
  }
}
