package org.ternarykernels.tool.sweep;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/**
 * What is known of a run.
 *
 * @param round 0 of a profile that is not run
 * @param why it failed, or what is missing; else empty
 * @param metrics those that its result has
 * @param cmaxUsers users of the largest load level that ran
 * @param failed requests that failed
 * @param log file of what it printed; empty if it was not run
 */
record SweepRow(
    String id,
    String profile,
    int round,
    Status status,
    String why,
    Effect effect,
    Map<Metric, Double> metrics,
    int cmaxUsers,
    long failed,
    String log,
    double seconds) {
  /** How a run ended. */
  enum Status {
    OK,
    FAILED,
    MISSING;

    String word() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** Whether plans differ from the baseline's; unknown until both have run. */
  enum Effect {
    UNKNOWN,
    NONE,
    YES;

    String word() {
      return this == UNKNOWN ? null : name().toLowerCase(Locale.ROOT);
    }
  }

  static final String FIELDS =
      "id, profile, round, status (ok, failed or missing), why, effect (yes, none or null), m1_p50,"
          + " m1_p95, m1_tps, c1_tps, c16_tps, cmax_tps, c1_p50, cmax_p50 (p50 and p95 in ns),"
          + " cmax_users, failed, log, seconds";

  static SweepRow missing(Profile profile, String why) {
    return new SweepRow(
        profile.name(),
        profile.name(),
        0,
        Status.MISSING,
        why,
        Effect.UNKNOWN,
        Map.of(),
        0,
        0,
        "",
        0);
  }

  static SweepRow of(PlannedRun run, ProfileRun.Outcome outcome) {
    JsonNode document = outcome.document();
    Map<Metric, Double> metrics = new EnumMap<>(Metric.class);
    if (document != null) {
      for (Metric metric : Metric.values()) {
        metrics.put(metric, metric.of(document));
      }
    }
    return new SweepRow(
        run.id(),
        run.profile().name(),
        run.round(),
        document == null ? Status.FAILED : Status.OK,
        outcome.why(),
        Effect.UNKNOWN,
        metrics,
        document == null ? 0 : Metric.mostUsers(document),
        document == null ? 0 : Metric.failed(document),
        LoadProcess.logName(run),
        outcome.seconds());
  }

  /** One of a row of {@code rows.jsonl}. */
  static SweepRow of(Map<String, Object> stored) {
    JsonNode row = new ObjectMapper().valueToTree(stored);
    Map<Metric, Double> metrics = new EnumMap<>(Metric.class);
    for (Metric metric : Metric.values()) {
      metrics.put(metric, row.path(metric.column()).asDouble(Double.NaN));
    }
    return new SweepRow(
        row.path("id").asText(),
        row.path("profile").asText(),
        row.path("round").asInt(),
        Status.valueOf(row.path("status").asText().toUpperCase(Locale.ROOT)),
        row.path("why").asText(),
        Effect.UNKNOWN,
        metrics,
        row.path("cmax_users").asInt(),
        row.path("failed").asLong(),
        row.path("log").asText(),
        row.path("seconds").asDouble());
  }

  SweepRow with(Effect known) {
    return new SweepRow(
        id, profile, round, status, why, known, metrics, cmaxUsers, failed, log, seconds);
  }

  boolean isOk() {
    return status == Status.OK;
  }

  /** A measured value; NaN where there is none. */
  double value(Metric metric) {
    return metrics.getOrDefault(metric, Double.NaN);
  }

  Map<String, Object> json() {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("id", id);
    json.put("profile", profile);
    json.put("round", round);
    json.put("status", status.word());
    json.put("why", why);
    json.put("effect", effect.word());
    for (Metric metric : Metric.values()) {
      json.put(metric.column(), value(metric));
    }
    json.put("cmax_users", cmaxUsers);
    json.put("failed", failed);
    json.put("log", log);
    json.put("seconds", seconds);
    return json;
  }
}
