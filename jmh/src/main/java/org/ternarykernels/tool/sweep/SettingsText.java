package org.ternarykernels.tool.sweep;

import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.ternarykernels.tool.sweep.Sweep.Summary;

/** The settings file of {@code --keep-pareto}: what {@code TERNARY_SETTINGS} may name. */
final class SettingsText {
  private SettingsText() {}

  /**
   * The profile that is kept: of those that are better in both, the one whose ratios multiply to
   * most.
   */
  static Optional<Summary> best(List<Summary> summaries) {
    return summaries.stream()
        .filter(Summary::isBetter)
        .filter(summary -> !summary.profile().env().isEmpty())
        .max(
            Comparator.comparingDouble(
                summary -> summary.decode().median() * summary.throughput().median()));
  }

  /** The whole file. */
  static String of(List<Summary> summaries, String machine, String date) {
    StringBuilder text = new StringBuilder("# By ternary sweep, ").append(date).append(", on ");
    text.append(machine.replaceAll("\\p{Cntrl}", " ")).append(".\n");
    Optional<Summary> best = best(summaries);
    if (best.isEmpty()) {
      return text.append("# No profile was better than the baseline in both decode and")
          .append(" throughput.\n")
          .toString();
    }
    for (Summary summary : summaries) {
      if (summary.isBetter()) {
        text.append(
            String.format(
                Locale.ROOT,
                "# %s: decode %.3f times as fast (%.3f to %.3f), throughput %.3f (%.3f to %.3f)%n",
                summary.profile().name(),
                summary.decode().median(),
                summary.decode().low(),
                summary.decode().high(),
                summary.throughput().median(),
                summary.throughput().low(),
                summary.throughput().high()));
      }
    }
    Profile kept = best.get().profile();
    text.append("# Kept: ").append(kept.name()).append('\n');
    kept.options()
        .forEach(
            (name, value) ->
                text.append("# beside it: --").append(name).append(' ').append(value).append('\n'));
    for (Map.Entry<String, String> knob : kept.env().entrySet()) {
      text.append(knob.getKey()).append('=').append(knob.getValue()).append('\n');
    }
    return text.toString();
  }
}
