package org.ternarykernels.tool.measure;

import java.util.Arrays;

/**
 * The median of a sample and an interval that holds the population's median, from order statistics:
 * each value is below the median with probability 1/2 whatever the distribution, so ranks follow a
 * binomial one. Nothing else is assumed, least of all a normal distribution: timings on shared
 * machines have none.
 *
 * @param low lower end of the interval
 * @param high upper end
 * @param coverage the probability that such an interval holds the median: at least 0.95, or that of
 *     the whole range where there are fewer than six values
 * @param count values
 */
public record MedianInterval(double median, double low, double high, double coverage, int count) {
  private static final double WANTED = 0.95;

  /**
   * @param values at least one
   */
  public static MedianInterval of(double... values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    int n = sorted.length;
    double median = n % 2 == 1 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
    // P(fewer than `rank` values lie below the median), twice that is what an interval from rank to
    // rank leaves out.
    double outside = Math.pow(0.5, n);
    double term = outside;
    int rank = 1;
    while (rank < n / 2) {
      term *= (double) (n - rank + 1) / rank;
      if (1 - 2 * (outside + term) < WANTED) {
        break;
      }
      outside += term;
      rank++;
    }
    return new MedianInterval(median, sorted[rank - 1], sorted[n - rank], 1 - 2 * outside, n);
  }

  /** Half the interval's width. */
  public double error() {
    return (high - low) / 2;
  }

  /** The ratios of pairs, {@code above[i] / below[i]}. */
  public static MedianInterval ofRatios(double[] above, double[] below) {
    double[] ratios = new double[Math.min(above.length, below.length)];
    for (int i = 0; i < ratios.length; i++) {
      ratios[i] = above[i] / below[i];
    }
    return of(ratios);
  }
}
