package org.ternarykernels.tool.report;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.ternarykernels.tool.report.Bars.Bar;

/** The page: all runs by their commands, with nothing that a browser would have to fetch. */
final class Page {
  private static final int MOST_PATHS = 40;

  private static final List<Section> SECTIONS =
      List.of(
          new BenchSection(),
          new LoadSection(),
          TableSection.capacity(),
          new SweepSection(),
          new HybridSection(),
          TableSection.shadow(),
          TableSection.parity());

  private Page() {}

  /** Whether the page has a part for a command. */
  static boolean knows(String command) {
    return SECTIONS.stream().anyMatch(section -> section.command().equals(command));
  }

  /**
   * Writes it.
   *
   * @param notes of what could not be read
   */
  static String of(List<Run> runs, List<String> notes) throws IOException {
    Html html = new Html();
    html.raw("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n");
    html.raw("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none';");
    html.raw(" style-src 'unsafe-inline'\">\n");
    html.raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    html.raw("<title>Ternary Kernels: report</title>\n<style>\n").raw(style());
    html.raw("</style></head><body>\n<h1>Ternary Kernels: report</h1>\n");
    machines(html, runs);
    notes.forEach(note -> html.element("p", "bad", note));
    html.raw("<nav>");
    for (Section section : SECTIONS) {
      if (!of(section, runs).isEmpty()) {
        html.raw("<a href=\"#" + section.command() + "\">" + section.command() + "</a>");
      }
    }
    html.raw("</nav>\n");
    for (Section section : SECTIONS) {
      List<Run> own = of(section, runs);
      if (!own.isEmpty()) {
        html.raw("<section id=\"" + section.command() + "\">");
        html.element("h2", section.command()).raw(section.of(own)).raw("</section>\n");
      }
    }
    counts(html, "Calls by path", runs, "path_counts");
    counts(html, "Fallbacks", runs, "fallback_counts");
    return html.raw("</body></html>\n").toString();
  }

  private static List<Run> of(Section section, List<Run> runs) {
    return runs.stream().filter(run -> run.command().equals(section.command())).toList();
  }

  private static String style() throws IOException {
    try (InputStream in = Page.class.getResourceAsStream("report.css")) {
      if (in == null) {
        throw new IOException("report.css is missing in the tool's jar");
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  private static void machines(Html html, List<Run> runs) {
    runs.stream().map(Page::machine).distinct().forEach(said -> html.element("p", said));
  }

  private static String machine(Run run) {
    JsonNode environment = run.environment();
    List<String> words = new ArrayList<>();
    words.add(environment.path("cpu_model").asText("an unknown machine"));
    words.add(environment.path("threads").asText("?") + " threads");
    if (environment.has("gpu")) {
      words.add(environment.at("/gpu/name").asText());
    }
    words.add(environment.path("jdk").asText());
    words.add("version " + environment.path("version").asText("?"));
    if (environment.path("device_times").isBoolean()
        && !environment.path("device_times").asBoolean()) {
      words.add("a software GPU, which has no times");
    }
    words.removeIf(String::isBlank);
    return String.join(", ", words);
  }

  /** What a run was, above its charts. */
  static String runHead(Run run) {
    Html html = new Html().element("h3", run.name());
    StringBuilder said = new StringBuilder(run.result().path("date").asText(""));
    said.append(said.length() > 0 ? ", config " : "config ");
    said.append(run.config().path("hash").asText("?"));
    run.config()
        .path("knobs")
        .fields()
        .forEachRemaining(
            knob -> said.append(", ").append(knob.getKey()).append('=').append(text(knob)));
    html.element("p", "quiet", said);
    if (!run.isComplete()) {
      html.element("p", "bad", "This run has not gone to its end.");
    }
    return html.toString();
  }

  private static String text(Map.Entry<String, JsonNode> knob) {
    return knob.getValue().asText();
  }

  private static void counts(Html html, String title, List<Run> runs, String field) {
    Map<String, Long> sums = new TreeMap<>();
    for (Run run : runs) {
      JsonNode counts = run.result().path(field);
      for (JsonNode some : counts.isArray() ? counts : List.of(counts)) { // parity has two
        some.fields()
            .forEachRemaining(
                count -> sums.merge(count.getKey(), count.getValue().asLong(), Long::sum));
      }
    }
    if (sums.isEmpty()) {
      return;
    }
    List<Bar> bars = new ArrayList<>();
    sums.entrySet().stream()
        .sorted(Map.Entry.<String, Long>comparingByValue().reversed())
        .limit(MOST_PATHS)
        .forEach(count -> bars.add(new Bar(count.getKey(), count.getValue())));
    html.raw("<section id=\"" + field + "\">").element("h2", title);
    html.raw("<div class=\"charts\">").raw(Bars.of(title + " of all runs", "", 0, bars));
    html.raw("</div></section>\n");
  }
}
