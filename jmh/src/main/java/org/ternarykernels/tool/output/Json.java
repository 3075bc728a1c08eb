package org.ternarykernels.tool.output;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/** The JSON that commands write: a number that JSON cannot hold is null. */
public final class Json {
  private static final ObjectMapper LINES = new ObjectMapper().registerModule(new FiniteNumbers());
  private static final ObjectMapper INDENTED =
      LINES.copy().enable(SerializationFeature.INDENT_OUTPUT);

  /** Keys in their order by name, so that the same content has the same text. */
  private static final ObjectMapper SORTED =
      LINES.copy().enable(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS);

  private Json() {}

  /** A document for people and programs, ending with a line end. */
  public static byte[] text(Map<String, ?> document) {
    return (string(INDENTED, document) + "\n").getBytes(StandardCharsets.UTF_8);
  }

  /** One line without its end. */
  public static String line(Object value) {
    return string(LINES, value);
  }

  /** One line in which the keys of every object are sorted. */
  static String sorted(Object value) {
    return string(SORTED, value);
  }

  private static String string(ObjectMapper mapper, Object value) {
    try {
      return mapper.writeValueAsString(value);
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException("a result cannot be written as JSON: " + e, e);
    }
  }
}
