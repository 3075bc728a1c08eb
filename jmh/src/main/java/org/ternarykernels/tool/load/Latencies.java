package org.ternarykernels.tool.load;

import java.util.Map;
import org.HdrHistogram.Histogram;

/** Nanoseconds of something that happened often, to a thousandth. */
public final class Latencies {
  private static final int DIGITS = 3;

  private final Histogram histogram = new Histogram(DIGITS);

  public void add(long nanos) {
    histogram.recordValue(Math.max(0, nanos));
  }

  /** How often. */
  public long count() {
    return histogram.getTotalCount();
  }

  /** The least value that so many percent do not exceed; null of nothing. */
  public Long percentile(double percent) {
    return count() == 0 ? null : histogram.getValueAtPercentile(percent);
  }

  /** Nanoseconds on average; null of nothing. */
  public Double mean() {
    return count() == 0 ? null : histogram.getMean();
  }

  /** Puts the three percentiles of a name into a row. */
  void put(Map<String, Object> row, String name, boolean timed) {
    for (int percent : new int[] {50, 95, 99}) {
      row.put(name + "_p" + percent + "_ns", timed ? percentile(percent) : null);
    }
  }
}
