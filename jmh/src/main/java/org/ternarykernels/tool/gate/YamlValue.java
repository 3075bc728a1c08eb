package org.ternarykernels.tool.gate;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.dataformat.yaml.YAMLParser;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.ternarykernels.tool.options.Yaml;

/**
 * A value of a YAML file, and the line where it stands.
 *
 * @param line from 1
 * @param content a map of these by name, a list of these, text, a number, a boolean or null
 */
record YamlValue(int line, Object content) {
  /**
   * Reads a file of one value.
   *
   * @param name of the file, for messages
   * @throws IllegalArgumentException if it is not YAML; the message has the line
   */
  static YamlValue parse(String name, String text) {
    try (YAMLParser parser = Yaml.FACTORY.createParser(text)) {
      if (parser.nextToken() == null) {
        return new YamlValue(1, null);
      }
      YamlValue value = value(parser, name);
      if (parser.nextToken() != null) {
        throw Yaml.wrong(name, line(parser), "a second document begins, must be one");
      }
      return value;
    } catch (JsonProcessingException e) {
      throw Yaml.wrong(name, e);
    } catch (IOException e) {
      throw new IllegalArgumentException(name + ": " + e.getMessage(), e);
    }
  }

  private static YamlValue value(YAMLParser parser, String name) throws IOException {
    int line = line(parser);
    if (parser.isCurrentAlias()) {
      throw Yaml.wrong(
          name, line, "*" + parser.getText() + " is an alias, must be the value itself");
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
