package org.ternarykernels;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;
import org.ternarykernels.storage.Json;

/** Reads the native counters. */
final class CountersJson {
  private CountersJson() {}

  record Counters(Map<String, Long> paths, Map<String, Long> fallbacks) {}

  static Counters parse(String json) {
    Map<String, Long> paths = new TreeMap<>();
    Map<String, Long> fallbacks = new TreeMap<>();
    try (JsonParser parser = Json.FACTORY.createParser(json)) {
      parser.nextToken();
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        String name = parser.currentName();
        parser.nextToken();
        switch (name) {
          case "path_counts" -> counts(parser, paths);
          case "fallback_counts" -> counts(parser, fallbacks);
          default -> parser.skipChildren();
        }
      }
    } catch (IOException e) {
      throw new TernaryException("the native counters are no JSON: " + json, e);
    }
    return new Counters(Collections.unmodifiableMap(paths), Collections.unmodifiableMap(fallbacks));
  }

  private static void counts(JsonParser parser, Map<String, Long> counts) throws IOException {
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      String name = parser.currentName();
      parser.nextToken();
      counts.put(name, parser.getLongValue());
    }
  }
}
