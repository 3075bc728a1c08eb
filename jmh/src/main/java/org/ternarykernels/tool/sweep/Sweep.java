package org.ternarykernels.tool.sweep;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.ternarykernels.tool.measure.MedianInterval;
import org.ternarykernels.tool.sweep.SweepRow.Effect;

/** Runs profiles, and says of each what it changes and whether that is better. */
final class Sweep {
  /** Receives a row as soon as it is known. */
  interface Rows {
    void add(SweepRow row) throws IOException;
  }

  /**
   * A profile over its rounds.
   *
   * @param medians of the rounds that ran; NaN where there is none
   * @param failed rounds
   * @param decode the baseline's time of a single row over this one's, by rounds; null without
   * @param throughput this one's tokens a second over the baseline's; null without
   */
  record Summary(
      Profile profile,
      Map<Metric, Double> medians,
      long failed,
      Effect effect,
      MedianInterval decode,
      MedianInterval throughput) {

    /** Better in both, whichever rounds one believes. */
    boolean isBetter() {
      return effect == Effect.YES
          && failed == 0
          && decode != null
          && throughput != null
          && decode.low() > 1
          && throughput.low() > 1;
    }
  }

  private final List<Profile> profiles;
  private final List<PlannedRun> runs;
  private final ProfileRun load;
  private final Map<String, SweepRow> rows = new LinkedHashMap<>();
  private final Map<String, JsonNode> documents = new HashMap<>();

  /**
   * @param profiles in the order of results; the baseline is one
   * @param runs of them, in the order in which they are made
   */
  Sweep(List<Profile> profiles, List<PlannedRun> runs, ProfileRun load) {
    this.profiles = profiles;
    this.runs = runs;
    this.load = load;
  }

  /** Takes over rows of a run that is gone on with; of the same id the last. */
  void resume(List<SweepRow> earlier, boolean failedAgain) throws IOException {
    for (SweepRow row : earlier) {
      rows.put(row.id(), row);
    }
    for (PlannedRun run : runs) {
      SweepRow row = rows.get(run.id());
      JsonNode document = row == null || !row.isOk() ? null : load.earlier(run);
      if (document != null) {
        documents.put(run.id(), document);
      } else if (row != null && failedAgain) {
        rows.remove(run.id());
      }
    }
  }

  /** Runs that are left. */
  List<PlannedRun> left() {
    return runs.stream().filter(run -> !rows.containsKey(run.id())).toList();
  }

  /** Makes one run. */
  void run(PlannedRun next, Runnable tick, Rows found) throws IOException {
    ProfileRun.Outcome outcome = load.run(next, tick);
    if (outcome.document() != null) {
      documents.put(next.id(), outcome.document());
    }
    SweepRow row = SweepRow.of(next, outcome).with(effect(next.profile()));
    rows.put(next.id(), row);
    found.add(row);
  }

  /** Whether a profile's plans differ from the baseline's in any round that both have. */
  private Effect effect(Profile profile) {
    boolean known = false;
    for (PlannedRun run : runs) {
      JsonNode own = documents.get(run.id());
      JsonNode base = documents.get(new PlannedRun(baseline(), run.round()).id());
      if (run.profile().equals(profile) && own != null && base != null) {
        known = true;
        if (!Plans.same(own, base)) {
          return Effect.YES;
        }
      }
    }
    return known ? Effect.NONE : Effect.UNKNOWN;
  }

  private Profile baseline() {
    return profiles.stream().filter(Profile::isBaseline).findFirst().orElseThrow();
  }

  /** All rows, with what is known of their effect by now. */
  List<SweepRow> rows() {
    List<SweepRow> all = new ArrayList<>();
    for (PlannedRun run : runs) {
      SweepRow row = rows.get(run.id());
      if (row != null) {
        all.add(row.with(effect(run.profile())));
      }
    }
    return all;
  }

  /** Each profile once, in the order in which they were given. */
  List<Summary> summaries() {
    List<Summary> summaries = new ArrayList<>();
    for (Profile profile : profiles) {
      Map<Metric, Double> medians = new HashMap<>();
      for (Metric metric : Metric.values()) {
        double[] values = values(profile, metric);
        medians.put(metric, values.length == 0 ? Double.NaN : MedianInterval.of(values).median());
      }
      long failed = of(profile).stream().filter(row -> !row.isOk() || row.failed() > 0).count();
      summaries.add(
          new Summary(
              profile,
              medians,
              failed,
              effect(profile),
              ratios(baseline(), profile, Metric.M1_P50),
              ratios(profile, baseline(), Metric.CMAX_TPS)));
    }
    return summaries;
  }

  private List<SweepRow> of(Profile profile) {
    return rows.values().stream().filter(row -> row.profile().equals(profile.name())).toList();
  }

  private double[] values(Profile profile, Metric metric) {
    return of(profile).stream()
        .mapToDouble(row -> row.value(metric))
        .filter(Double::isFinite)
        .toArray();
  }

  /** One profile's values over another's, round by round; null where no round has both. */
  private MedianInterval ratios(Profile above, Profile below, Metric metric) {
    List<Double> ratios = new ArrayList<>();
    for (SweepRow row : of(above)) {
      SweepRow other = rows.get(below.name() + "." + row.round());
      double ratio = other == null ? Double.NaN : row.value(metric) / other.value(metric);
      if (Double.isFinite(ratio)) {
        ratios.add(ratio);
      }
    }
    return ratios.isEmpty()
        ? null
        : MedianInterval.of(ratios.stream().mapToDouble(Double::doubleValue).toArray());
  }
}
