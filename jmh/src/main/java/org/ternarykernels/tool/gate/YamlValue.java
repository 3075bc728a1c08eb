package org.ternarykernels.tool.gate;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.fasterxml.jackson.dataformat.yaml.YAMLParser;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A value of a YAML file, and the line where it stands.
 *
 * @param line from 1
 * @param content a map of these by name, a list of these, text, a number, a boolean or null
 */
record YamlValue(int line, Object content) {
  private static final YAMLFactory FACTORY = new YAMLFactory();
  private static final Pattern PLACE = Pattern.compile("line (\\d{1,9}), column");

  /**
   * Reads a file of one value.
   *
   * @param name of the file, for messages
   * @throws IllegalArgumentException if it is not YAML; the message has the line
   */
  static YamlValue parse(String name, String text) {
    try (YAMLParser parser = FACTORY.createParser(text)) {
      parser.enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION);
      if (parser.nextToken() == null) {
        return new YamlValue(1, null);
      }
      YamlValue value = value(parser, name);
      if (parser.nextToken() != null) {
        throw wrong(name, line(parser), "a second document begins, must be one");
      }
      return value;
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(at(name, line(e)) + reason(e), e);
    } catch (IOException e) {
      throw new IllegalArgumentException(name + ": " + e.getMessage(), e);
    }
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

  private static YamlValue value(YAMLParser parser, String name) throws IOException {
    int line = line(parser);
    if (parser.isCurrentAlias()) {
      throw wrong(name, line, "*" + parser.getText() + " is an alias, must be the value itself");
    }
    return switch (parser.currentToken()) {
      case START_OBJECT -> new YamlValue(line, members(parser, name));
      case START_ARRAY -> new YamlValue(line, elements(parser, name));
      case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> new YamlValue(line, parser.getNumberValue());
      case VALUE_TRUE, VALUE_FALSE -> new YamlValue(line, parser.getBooleanValue());
      case VALUE_NULL -> new YamlValue(line, null);
      default -> new YamlValue(line, parser.getText());
    };
  }

  private static Map<String, YamlValue> members(YAMLParser parser, String name) throws IOException {
    Map<String, YamlValue> members = new LinkedHashMap<>();
    while (parser.nextToken() != JsonToken.END_OBJECT) {
      String key = parser.currentName();
      parser.nextToken();
      members.put(key, value(parser, name));
    }
    return members;
  }

  private static List<YamlValue> elements(YAMLParser parser, String name) throws IOException {
    List<YamlValue> elements = new ArrayList<>();
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      elements.add(value(parser, name));
    }
    return elements;
  }

  private static int line(YAMLParser parser) {
    return parser.currentTokenLocation().getLineNr();
  }

  /** What to throw where something in a file is wrong. */
  static IllegalArgumentException wrong(String name, int line, String what) {
    return new IllegalArgumentException(at(name, line) + what);
  }

  private static String at(String name, int line) {
    return name + ", line " + line + ": ";
  }

  /** As people call it. */
  String kind() {
    if (content == null) {
      return "nothing";
    }
    if (content instanceof Map) {
      return "a map";
    }
    return content instanceof List ? "a list" : "\"" + content + "\"";
  }
}
