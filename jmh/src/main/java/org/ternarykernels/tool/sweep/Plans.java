package org.ternarykernels.tool.sweep;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * Whether two runs of {@code load} did the same: kernels, splits, chunks, threads, programmatic
 * launches, and calls by each. Whatever their times say, a knob between them changed nothing then.
 */
final class Plans {
  private Plans() {}

  /**
   * Of two results. Runs that were cut off have made other numbers of calls: those are not asked.
   */
  static boolean same(JsonNode one, JsonNode other) {
    boolean whole = isWhole(one) && isWhole(other);
    return one.at("/environment/threads").equals(other.at("/environment/threads"))
        && one.at("/plans/experts").equals(other.at("/plans/experts"))
        && (whole
            ? one.path("path_counts").equals(other.path("path_counts"))
            : names(one.path("path_counts")).equals(names(other.path("path_counts"))))
        && samePlans(byProblem(one), byProblem(other), whole);
  }

  private static boolean isWhole(JsonNode document) {
    for (JsonNode row : document.path("rows")) {
      if (row.path("cut").asBoolean()) {
        return false;
      }
    }
    return true;
  }

  private static Set<String> names(JsonNode counts) {
    Set<String> names = new HashSet<>();
    counts.fieldNames().forEachRemaining(names::add);
    return names;
  }

  /** Plans by what they are for. */
  private static Map<String, Set<JsonNode>> byProblem(JsonNode document) {
    Map<String, Set<JsonNode>> plans = new HashMap<>();
    for (JsonNode plan : document.at("/plans/plans")) {
      StringBuilder problem = new StringBuilder();
      for (String size : new String[] {"M", "N", "K", "group", "block", "norm"}) {
        problem.append(plan.path(size)).append(' ');
      }
      plans.computeIfAbsent(problem.toString(), missing -> new HashSet<>()).add(plan);
    }
    return plans;
  }

  private static boolean samePlans(
      Map<String, Set<JsonNode>> one, Map<String, Set<JsonNode>> other, boolean whole) {
    if (whole) {
      return one.equals(other);
    }
    return one.entrySet().stream()
        .allMatch(
            plan ->
                !other.containsKey(plan.getKey())
                    || other.get(plan.getKey()).equals(plan.getValue()));
  }
}
