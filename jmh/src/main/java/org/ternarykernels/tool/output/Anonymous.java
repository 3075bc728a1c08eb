package org.ternarykernels.tool.output;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * Takes out of results what tells whose machine they come from: of an absolute path its name stays.
 */
public final class Anonymous {
  private static final Pattern ABSOLUTE_PATH =
      Pattern.compile("(?<![\\w./-])/(?:[^/\\s,;:\"']+/)*([^/\\s,;:\"']+)/?");

  private Anonymous() {}

  /** A text without absolute paths. */
  public static String text(String text) {
    return ABSOLUTE_PATH.matcher(text).replaceAll("$1");
  }

  /** The same of every text of a JSON value, as maps and lists. */
  public static Object json(Object value) {
    if (value instanceof String text) {
      return text(text);
    }
    if (value instanceof Map<?, ?> map) {
      return map(map);
    }
    if (value instanceof List<?> list) {
      return list.stream().map(element -> element == null ? null : json(element)).toList();
    }
    return value;
  }

  /** The same of an object; its names stay. */
  public static Map<String, Object> map(Map<?, ?> map) {
    Map<String, Object> anonymous = new LinkedHashMap<>();
    map.forEach((name, value) -> anonymous.put(name.toString(), json(value)));
    return anonymous;
  }
}
