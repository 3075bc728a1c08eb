package org.ternarykernels.tool.bench;

import java.util.List;
import java.util.Map;

/** What was measured of a case, as it goes into the table and into JSON. */
public record BenchRow(BenchCase of, RowFields fields) {
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
    RowFields json = new RowFields();
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
    return (List<String>) json().getOrDefault("ahead", List.of());
  }

  public Map<String, Object> json() {
    return fields.json();
  }

  public void put(String name, Object value) {
    fields.put(name, value);
  }
}
