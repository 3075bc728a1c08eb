package org.ternarykernels.tool.bench;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.ternarykernels.tool.measure.MedianInterval;

/** What was measured of a case, as it goes into the table and into JSON. */
public record BenchRow(BenchCase of, Map<String, Object> json) {
  /** Every field of a row, in order; null where a row has nothing to say. */
  public static final String FIELDS =
      "op, activation, group, shape, N, K, M, layout, isa, path, threads, memory, copies,"
          + " copies_complete, rows_checked, ns, ns_low, ns_high, ns_error, rounds, coverage, gbps,"
          + " gops, limit, limit_ns, ratio_to_limit, ratio_to_limit_low, ratio_to_limit_high, and"
          + " for each of bf16, f32, int8, portable, linear, a8 (the same per token) and of the"
          + " names of --peer: ratio_to_X, ratio_to_X_low, ratio_to_X_high, X_ns, X_what (what ran,"
          + " or why nothing did), ahead (peers whose ratio_to_X_high is below 1)";

  /** Names of rivals and limits that a peer cannot have. */
  public static final List<String> OWN_NAMES =
      List.of("bf16", "f32", "int8", "portable", "linear", "a8", "limit");

  public static BenchRow begin(BenchCase of) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("op", of.operation().id());
    json.put("activation", of.activation().toString());
    json.put("group", of.group());
    json.put("shape", of.shapeName());
    json.put(
        "N", of.operation() == Workload.Operation.QUANTISE_ACTIVATIONS ? null : of.shape().n());
    json.put("K", of.shape().k());
    json.put("M", of.m());
    json.put("layout", of.layout() == null ? null : of.layoutName());
    json.put("isa", of.isa().id());
    json.put("path", null);
    json.put("threads", of.threads());
    json.put("memory", of.memoryName());
    return new BenchRow(of, json);
  }

  /** Names of the peers that are faster than ours. */
  @SuppressWarnings("unchecked")
  List<String> ahead() {
    return (List<String>) json.getOrDefault("ahead", List.of());
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

  /** Share of the limit that was reached: the limit's time over ours. */
  void limit(String name, double[] least, double[] nanos) {
    put("limit", name);
    put("limit_ns", least == null ? null : MedianInterval.of(least).median());
    ratio("ratio_to_limit", least, nanos);
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
