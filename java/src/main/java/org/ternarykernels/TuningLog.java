package org.ternarykernels;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.ternarykernels.storage.Json;

/**
 * Says through SLF4J why a runtime's tuning file does not serve: the runtime works without it, only
 * slower.
 */
final class TuningLog {
  private static final Logger LOG = LoggerFactory.getLogger(TernaryRuntime.class);

  private TuningLog() {}

  static void say(String infoJson) {
    String error = error(infoJson);
    if (!error.isEmpty()) {
      LOG.warn("The tuning file is not used, built-in values serve: {}", error);
    }
  }

  /** {@code tuning.error} of the info; empty if the file serves or there is none. */
  static String error(String infoJson) {
    try (JsonParser parser = Json.FACTORY.createParser(infoJson)) {
      return member(parser, "tuning") && member(parser, "error") ? parser.getText() : "";
    } catch (IOException e) {
      throw new TernaryException("the native info is no JSON: " + infoJson, e);
    }
  }

  /** Moves into the object that comes next, to the value of its member of this name. */
  static boolean member(JsonParser parser, String name) throws IOException {
    if (!parser.hasCurrentToken()) {
      parser.nextToken();
    }
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      boolean found = parser.currentName().equals(name);
      parser.nextToken();
      if (found) {
        return true;
      }
      parser.skipChildren();
    }
    return false;
  }
}
