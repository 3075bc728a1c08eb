package org.ternarykernels.tool.report;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.ternarykernels.tool.report.Bars.Bar;

/** Profiles of settings: the median of each over its rounds, the fastest first. */
final class SweepSection implements Section {
  private static final String[] METRICS = {
    "m1_p50", "m1_p95", "m1_tps", "c1_tps", "c16_tps", "cmax_tps", "c1_p50", "cmax_p50"
  };

  @Override
  public String command() {
    return "sweep";
  }

  @Override
  public String of(List<Run> runs) {
    StringBuilder html = new StringBuilder();
    for (Run run : runs) {
      List<JsonNode> profiles = profiles(run);
      html.append(Page.runHead(run)).append("<div class=\"charts\">");
      html.append(ranking(profiles, "m1_tps", "Tokens a second of one user"));
      html.append(ranking(profiles, "cmax_tps", "Tokens a second at the largest load"));
      html.append("</div>\n").append(table(profiles));
    }
    return html.toString();
  }

  private static List<JsonNode> profiles(Run run) {
    Map<String, List<JsonNode>> rounds = new LinkedHashMap<>();
    // The document has each round once, with what was known of its effect in the end.
    JsonNode last = run.result().path("rows");
    for (JsonNode row : last.isEmpty() ? run.rows() : last) {
      rounds.computeIfAbsent(row.path("profile").asText(), missing -> new ArrayList<>()).add(row);
    }
    List<JsonNode> profiles = new ArrayList<>();
    rounds.forEach((name, rows) -> profiles.add(profile(name, rows)));
    profiles.sort(
        Comparator.comparingDouble((JsonNode row) -> row.path("m1_tps").asDouble()).reversed());
    return profiles;
  }

  private static ObjectNode profile(String name, List<JsonNode> rounds) {
    ObjectNode row = new ObjectMapper().createObjectNode();
    row.put("profile", name);
    long failed =
        rounds.stream().filter(round -> "failed".equals(round.path("status").asText())).count();
    boolean dead = rounds.stream().anyMatch(round -> "none".equals(round.path("effect").asText()));
    row.put("said", failed > 0 ? "failed " + failed + " times" : dead ? "no effect" : "");
    row.put("rounds", rounds.stream().filter(round -> round.path("round").asInt() > 0).count());
    for (String metric : METRICS) {
      double[] values =
          rounds.stream()
              .filter(round -> round.path(metric).isNumber())
              .mapToDouble(round -> round.path(metric).asDouble())
              .sorted()
              .toArray();
      if (values.length > 0) {
        row.put(metric, values[values.length / 2]);
      }
    }
    rounds.stream()
        .map(round -> round.path("why").asText(""))
        .filter(why -> !why.isEmpty() && !why.equals("null"))
        .findFirst()
        .ifPresent(why -> row.put("why", why));
    return row;
  }

  private static String ranking(List<JsonNode> profiles, String metric, String title) {
    List<Bar> bars = new ArrayList<>();
    for (JsonNode row : profiles) {
      if (row.path(metric).isNumber()) {
        String said = row.path("said").asText();
        String name = row.path("profile").asText() + (said.isEmpty() ? "" : ", " + said);
        bars.add(new Bar(name, row.path(metric).asDouble()));
      }
    }
    bars.sort(Comparator.comparingDouble(Bar::value).reversed());
    return Bars.of(title, " tok/s", 0, bars);
  }

  private static String table(List<JsonNode> profiles) {
    return new DataTable()
        .plain("profile", "profile")
        .plain("", "said")
        .plain("rounds", "rounds")
        .number("m1 p50 ms", "m1_p50", 1e6, 3)
        .number("m1 p95 ms", "m1_p95", 1e6, 3)
        .number("m1 tok/s", "m1_tps", 1, 1)
        .number("c1 tok/s", "c1_tps", 1, 1)
        .number("c16 tok/s", "c16_tps", 1, 1)
        .number("cmax tok/s", "cmax_tps", 1, 1)
        .number("c1 p50 ms", "c1_p50", 1e6, 3)
        .number("cmax p50 ms", "cmax_p50", 1e6, 3)
        .plain("why", "why")
        .of(profiles);
  }
}
