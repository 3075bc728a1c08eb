package org.ternarykernels.io;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.ternarykernels.storage.Json;
import org.ternarykernels.storage.Quoted;

/**
 * The values of a {@code config.json} by dotted names. A null, an empty list and an empty object
 * are no value: writers use them for what is not set. Immutable.
 */
final class ModelConfig {
  /** Published ones have a few thousand bytes. */
  static final int MAX_BYTES = 16 << 20;

  /** Objects and lists in each other; published ones have 3. */
  static final int MAX_DEPTH = 16;

  /** Characters of a dotted name: with the depth it bounds the memory that names take. */
  static final int MAX_NAME = 256;

  /** What stands for a list, whose values nobody asks for. */
  private static final String LIST = "a list";

  private record Value(String text, boolean isList) {}

  private final Map<String, Value> values = new LinkedHashMap<>();

  private ModelConfig() {}

  /**
   * Reads a file.
   *
   * @param ignored names that are left out, with all that is nested in them
   * @throws UncheckedIOException if it cannot be read
   * @throws IllegalArgumentException if it is no JSON object, or breaks a limit
   */
  static ModelConfig read(Path path, Set<String> ignored) {
    ModelConfig config;
    try {
      config = parse(Json.read(path, MAX_BYTES));
    } catch (IOException e) {
      throw new UncheckedIOException(path + " cannot be read: " + e.getMessage(), e);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(path + ": " + e.getMessage(), e);
    }
    config.values.keySet().removeIf(name -> isWithin(name, ignored));
    return config;
  }

  /** Parses a text; Python's {@code NaN} and {@code Infinity} are numbers. */
  static ModelConfig parse(byte[] json) {
    ModelConfig config = new ModelConfig();
    try (JsonParser parser = Json.parser(json)) {
      parser.enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS.mappedFeature());
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        throw new IllegalArgumentException("the text is no JSON object, must be one");
      }
      config.readObject(parser, "", 1);
      if (parser.nextToken() != null) {
        throw new IllegalArgumentException("the object is followed by more, must be alone");
      }
    } catch (IOException e) {
      throw new IllegalArgumentException("the text is no JSON: " + Json.complaint(e), e);
    }
    return config;
  }

  private void readObject(JsonParser parser, String prefix, int depth) throws IOException {
    while (parser.nextToken() != JsonToken.END_OBJECT) {
      String key = parser.currentName();
      if (prefix.length() + key.length() > MAX_NAME) {
        throw new IllegalArgumentException(
            "the name "
                + Quoted.of(prefix + key.substring(0, Math.min(key.length(), MAX_NAME)))
                + " is longer than "
                + MAX_NAME
                + " characters with the names around it, must not be");
      }
      readValue(parser, prefix + key, depth);
    }
  }

  private void readValue(JsonParser parser, String name, int depth) throws IOException {
    JsonToken token = parser.nextToken();
    if (token == JsonToken.START_OBJECT) {
      readObject(parser, name + ".", deeper(name, depth));
    } else if (token == JsonToken.START_ARRAY) {
      if (skipList(parser, name, deeper(name, depth))) {
        values.put(name, new Value(LIST, true));
      }
    } else if (token != JsonToken.VALUE_NULL) {
      values.put(name, new Value(parser.getText(), false));
    }
  }

  /** Skips a list; returns whether it has elements. */
  private static boolean skipList(JsonParser parser, String name, int depth) throws IOException {
    boolean any = false;
    int open = 1;
    while (open > 0) {
      JsonToken token = parser.nextToken();
      if (token.isStructStart()) {
        open++;
        deeper(name, depth + open - 2);
      } else if (token.isStructEnd()) {
        open--;
      }
      any |= open > 0;
    }
    return any;
  }

  private static int deeper(String name, int depth) {
    if (depth == MAX_DEPTH) {
      throw new IllegalArgumentException(
          Quoted.of(name)
              + " nests objects or lists more than "
              + MAX_DEPTH
              + " deep, must be flatter");
    }
    return depth + 1;
  }

  /** Whether a dotted name is one of a set, or nested in one. */
  private static boolean isWithin(String name, Set<String> names) {
    for (int end = name.length(); end >= 0; end = name.lastIndexOf('.', end - 1)) {
      if (names.contains(name.substring(0, end))) {
        return true;
      }
    }
    return false;
  }

  /** The names of all values, in the order of the file. */
  Set<String> names() {
    return Collections.unmodifiableSet(values.keySet());
  }

  /**
   * Refuses values of an object that may change the numbers.
   *
   * @param prefix of the object's values, with its dot
   * @param known the names behind it that its reader knows
   */
  void requireKnown(String prefix, Set<String> known) {
    for (String name : names()) {
      if (name.startsWith(prefix) && !known.contains(name.substring(prefix.length()))) {
        throw new IllegalArgumentException(
            name
                + " is not known and may change the numbers, must be absent or ignored by its"
                + " name");
      }
    }
  }

  /** A value as text, or null if there is none. */
  @Nullable String find(String name) {
    Value value = values.get(name);
    return value == null ? null : value.text();
  }

  /** A single value as text. */
  String text(String name) {
    Value value = values.get(name);
    if (value == null) {
      throw new IllegalArgumentException("config.json has no value " + name + ", must have one");
    }
    if (value.isList()) {
      throw new IllegalArgumentException(
          name + " of config.json is a list, must be a single value");
    }
    return value.text();
  }

  int wholeNumber(String name) {
    try {
      return Integer.parseInt(text(name));
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(
          name
              + " of config.json is "
              + Quoted.of(text(name))
              + ", must be a whole number below 2^31",
          e);
    }
  }

  double number(String name) {
    double number;
    try {
      number = Double.parseDouble(text(name));
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(
          name + " of config.json is " + Quoted.of(text(name)) + ", must be a number", e);
    }
    if (!Double.isFinite(number)) {
      throw new IllegalArgumentException(
          name + " of config.json is " + Quoted.of(text(name)) + ", must be a finite number");
    }
    return number;
  }
}
