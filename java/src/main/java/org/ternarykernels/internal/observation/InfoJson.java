package org.ternarykernels.internal.observation;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import org.ternarykernels.TernaryException;
import org.ternarykernels.storage.Json;

/** Reads single texts of the native info. */
final class InfoJson {
  private InfoJson() {}

  /** The text of a member of a member; empty if there is none. */
  static String text(String infoJson, String... names) {
    try (JsonParser parser = Json.FACTORY.createParser(infoJson)) {
      for (String name : names) {
        if (!member(parser, name)) {
          return "";
        }
      }
      return parser.getText();
    } catch (IOException e) {
      throw new TernaryException("the native info is no JSON: " + infoJson, e);
    }
  }

  /** Moves into the object that comes next, to the value of its member of this name. */
  private static boolean member(JsonParser parser, String name) throws IOException {
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
