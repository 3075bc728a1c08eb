package org.ternarykernels.tool.options;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Files of YAML that options name. What is wrong in one is a sentence with the line. */
public final class Yaml {
  /** A name may stand once in a map. */
  public static final YAMLFactory FACTORY = new YAMLFactory();

  static {
    FACTORY.enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION);
  }

  private static final YAMLMapper MAPPER =
      YAMLMapper.builder(FACTORY).enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS).build();
  private static final Pattern PLACE = Pattern.compile("line (\\d{1,9}), column");

  private Yaml() {}

  /**
   * Reads a file of one value.
   *
   * @param name of the file, for messages
   * @return a missing node of an empty file
   * @throws IllegalArgumentException if it is not YAML, or has more than one document
   */
  public static JsonNode tree(String name, String text) {
    try {
      return MAPPER.readTree(text);
    } catch (JsonProcessingException e) {
      throw wrong(name, e);
    }
  }

  /** What to throw where something in a file is wrong. */
  public static IllegalArgumentException wrong(String name, int line, String what) {
    return new IllegalArgumentException(at(name, line) + what);
  }

  /** The same where the parser says so. */
  public static IllegalArgumentException wrong(String name, JsonProcessingException error) {
    return new IllegalArgumentException(at(name, line(error)) + reason(error), error);
  }

  private static String at(String name, int line) {
    return name + ", line " + line + ": ";
  }

  /** The last place that the message names is that of the problem. */
  private static int line(JsonProcessingException error) {
    int line = error.getLocation() == null ? 1 : error.getLocation().getLineNr();
    Matcher place = PLACE.matcher(error.getOriginalMessage());
    while (place.find()) {
      line = Integer.parseInt(place.group(1));
    }
    return line;
  }

  /** The last line that says what is wrong; those around it quote the file. */
  private static String reason(JsonProcessingException error) {
    String reason = "it is not YAML";
    for (String line : error.getOriginalMessage().lines().toList()) {
      if (!line.isBlank() && !line.startsWith(" ")) {
        reason = line.strip();
      }
    }
    return reason;
  }
}
