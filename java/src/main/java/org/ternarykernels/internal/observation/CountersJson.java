package org.ternarykernels.internal.observation;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;
import org.ternarykernels.TernaryException;
import org.ternarykernels.storage.Json;

/** Reads the native counters. */
public final class CountersJson {
  private CountersJson() {}

  /**
   * What a runtime has counted.
   *
   * @param paths since the last reset
   * @param fallbacks since the last reset
   * @param pathTotals since the runtime was made
   * @param fallbackTotals since the runtime was made
   * @param stageNanoseconds since the last reset
   * @param validation since the runtime was made; empty where nothing is validated
   * @param shadow since the runtime was made; empty where no calls are computed again
   * @param reportError about the first report that could not be written; empty if all could
   * @param shadowError about the first call that could not be computed again or written down; empty
   *     if all could
   */
  public record Counters(
      Map<String, Long> paths,
      Map<String, Long> fallbacks,
      Map<String, Long> pathTotals,
      Map<String, Long> fallbackTotals,
      Map<String, Long> stageNanoseconds,
      Map<String, Long> validation,
      Map<String, Long> shadow,
      String reportError,
      String shadowError) {
    static final Counters NONE =
        new Counters(Map.of(), Map.of(), Map.of(), Map.of(), Map.of(), Map.of(), Map.of(), "", "");
  }

  public static Counters parse(String json) {
    Map<String, Long> paths = new TreeMap<>();
    Map<String, Long> fallbacks = new TreeMap<>();
    Map<String, Long> pathTotals = new TreeMap<>();
    Map<String, Long> fallbackTotals = new TreeMap<>();
    Map<String, Long> stageNanoseconds = new TreeMap<>();
    Map<String, Long> validation = new TreeMap<>();
    Map<String, Long> shadow = new TreeMap<>();
    String reportError = "";
    String shadowError = "";
    try (JsonParser parser = Json.FACTORY.createParser(json)) {
      parser.nextToken();
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        String name = parser.currentName();
        parser.nextToken();
        switch (name) {
          case "path_counts" -> counts(parser, paths);
          case "fallback_counts" -> counts(parser, fallbacks);
          case "path_totals" -> counts(parser, pathTotals);
          case "fallback_totals" -> counts(parser, fallbackTotals);
          case "stage_nanoseconds" -> counts(parser, stageNanoseconds);
          case "validation" -> counts(parser, validation);
          case "shadow" -> counts(parser, shadow);
          case "report_error" -> reportError = parser.getText();
          case "shadow_error" -> shadowError = parser.getText();
          default -> parser.skipChildren();
        }
      }
    } catch (IOException e) {
      throw new TernaryException("the native counters are no JSON: " + json, e);
    }
    return new Counters(
        Collections.unmodifiableMap(paths),
        Collections.unmodifiableMap(fallbacks),
        Collections.unmodifiableMap(pathTotals),
        Collections.unmodifiableMap(fallbackTotals),
        Collections.unmodifiableMap(stageNanoseconds),
        Collections.unmodifiableMap(validation),
        Collections.unmodifiableMap(shadow),
        reportError,
        shadowError);
  }

  private static void counts(JsonParser parser, Map<String, Long> counts) throws IOException {
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      String name = parser.currentName();
      parser.nextToken();
      // As a text, for Jackson would load classes for numbers: a runtime may end when that is too
      // late.
      counts.put(name, Long.parseLong(parser.getText()));
    }
  }
}
