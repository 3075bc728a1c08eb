package org.ternarykernels.tool.bench;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.ternarykernels.tool.measure.MachineLimit;
import org.ternarykernels.tool.measure.MedianInterval;

/** The fields of a row of results, in the order in which they come. */
public final class RowFields {
  private final Map<String, Object> json = new LinkedHashMap<>();

  public Map<String, Object> json() {
    return json;
  }

  public void put(String name, Object value) {
    json.put(name, value);
  }

  /** The time of the call itself. */
  void time(double[] nanos, long bytes, Double operations) {
    MedianInterval time = MedianInterval.of(nanos);
    put("ns", time.median());
    put("ns_low", time.low());
    put("ns_high", time.high());
    put("ns_error", time.error());
    put("rounds", time.count());
    put("coverage", time.coverage());
    put("gbps", bytes / time.median());
    put("gops", operations == null ? null : operations / time.median());
  }

  /**
   * Share of the limit that was reached: the limit's time over ours. The bound that takes longest
   * is the limit.
   *
   * @param nanos ours first, then those of the bounds
   */
  void limit(List<MachineLimit.Bound> bounds, List<double[]> nanos, double[] ours) {
    int slowest = 1;
    for (int i = 2; i <= bounds.size(); i++) {
      slowest = median(nanos.get(i)) > median(nanos.get(slowest)) ? i : slowest;
    }
    put("limit", bounds.get(slowest - 1).name());
    put("limit_ns", median(nanos.get(slowest)));
    ratio("ratio_to_limit", nanos.get(slowest), ours);
  }

  private static double median(double[] nanos) {
    return MedianInterval.of(nanos).median();
  }

  /**
   * A rival's time over ours.
   *
   * @param what ran; where {@code rival} is null, why nothing did
   * @return whether the rival is faster, by the whole interval of the ratio
   */
  boolean rival(String name, String what, double[] rival, double[] nanos) {
    MedianInterval ratio = ratio("ratio_to_" + name, rival, nanos);
    put(name + "_ns", rival == null ? null : MedianInterval.of(rival).median());
    put(name + "_what", what);
    return ratio != null && ratio.high() < 1;
  }

  private MedianInterval ratio(String name, double[] above, double[] below) {
    MedianInterval ratio = above == null ? null : MedianInterval.ofRatios(above, below);
    put(name, ratio == null ? null : ratio.median());
    put(name + "_low", ratio == null ? null : ratio.low());
    put(name + "_high", ratio == null ? null : ratio.high());
    return ratio;
  }
}
