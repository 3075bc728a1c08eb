package org.ternarykernels.tool.gate;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.ternarykernels.tool.options.Yaml;

/** Reads gates of YAML; what is wrong is one sentence with the line. */
final class GateFile {
  private static final Set<String> KEYS = Set.of("name", "metric", "where", "min", "max", "ratio");

  private static final String NO_GATE = "there is no gate, must be at least one";

  private final String name;

  private GateFile(String name) {
    this.name = name;
  }

  /**
   * @param name of the file, for messages
   * @throws IllegalArgumentException if it cannot serve
   */
  static List<Gate> parse(String name, String text) {
    return new GateFile(name).gates(YamlValue.parse(name, text));
  }

  private IllegalArgumentException wrong(YamlValue at, String what) {
    return Yaml.wrong(name, at.line(), what);
  }

  private List<Gate> gates(YamlValue root) {
    if (root.content() == null) {
      throw wrong(root, NO_GATE);
    }
    Map<String, YamlValue> members = map(root, "the file");
    onlyKeys(members, Set.of("gates"), "the file");
    YamlValue list = members.get("gates");
    if (list == null || list.content() == null || list.content().equals(List.of())) {
      throw wrong(list == null ? root : list, NO_GATE);
    }
    if (!(list.content() instanceof List<?> elements)) {
      throw wrong(list, "gates is " + list.kind() + ", must be a list");
    }
    List<Gate> gates = new ArrayList<>();
    for (Object element : elements) {
      Gate gate = gate((YamlValue) element);
      if (gates.stream().anyMatch(other -> other.name().equals(gate.name()))) {
        throw wrong((YamlValue) element, "a second gate has the name \"" + gate.name() + "\"");
      }
      gates.add(gate);
    }
    return gates;
  }

  private Gate gate(YamlValue at) {
    Map<String, YamlValue> members = map(at, "a gate");
    onlyKeys(members, KEYS, "a gate");
    String gate = text(at, members.get("name"), "a gate has no name");
    String what = "gate \"" + gate + "\"";
    String metric = text(at, members.get("metric"), what + " has no metric");
    Bounds value = bounds(at, members, what);
    Bounds ratio = Bounds.NONE;
    YamlValue ratios = members.get("ratio");
    if (ratios != null) {
      Map<String, YamlValue> ends = map(ratios, "ratio of " + what);
      onlyKeys(ends, Set.of("min", "max"), "ratio of " + what);
      ratio = bounds(ratios, ends, "ratio of " + what);
      if (ratio.isEmpty()) {
        throw wrong(ratios, "ratio of " + what + " has neither min nor max");
      }
    }
    if (value.isEmpty() && ratio.isEmpty()) {
      throw wrong(at, what + " has no min, max or ratio, so it cannot fail");
    }
    return new Gate(gate, at.line(), metric, where(members.get("where"), what), value, ratio);
  }

  private Map<String, List<Object>> where(YamlValue at, String what) {
    Map<String, List<Object>> where = new LinkedHashMap<>();
    if (at == null) {
      return where;
    }
    map(at, "where of " + what)
        .forEach(
            (column, wanted) -> {
              List<Object> values = new ArrayList<>();
              if (wanted.content() instanceof List<?> list) {
                list.forEach(value -> values.add(scalar((YamlValue) value, column, what)));
              } else {
                values.add(scalar(wanted, column, what));
              }
              if (values.isEmpty()) {
                throw wrong(wanted, column + " of " + what + " is an empty list");
              }
              where.put(column, values);
            });
    return where;
  }

  private Object scalar(YamlValue value, String column, String what) {
    if (value.content() instanceof Map || value.content() instanceof List) {
      throw wrong(
          value, column + " of " + what + " is " + value.kind() + ", must be a value or a list");
    }
    return value.content();
  }

  private Bounds bounds(YamlValue at, Map<String, YamlValue> members, String what) {
    Double min = number(members.get("min"), "min of " + what);
    Double max = number(members.get("max"), "max of " + what);
    if (min != null && max != null && min > max) {
      throw wrong(
          at,
          what
              + " has min "
              + Measured.text(min)
              + " above max "
              + Measured.text(max)
              + ", must be at most that");
    }
    return new Bounds(min, max);
  }

  private Double number(YamlValue value, String what) {
    if (value == null) {
      return null;
    }
    double number = Double.NaN;
    if (value.content() instanceof Number plain) {
      number = plain.doubleValue();
    } else if (value.content() instanceof String text
        && text.matches("[-+]?[0-9.]+([eE][-+]?[0-9]+)?")) { // 1e6 is text in YAML
      try {
        number = Double.parseDouble(text);
      } catch (NumberFormatException e) {
        number = Double.NaN; // two dots
      }
    }
    if (!Double.isFinite(number)) {
      throw wrong(value, what + " is " + value.kind() + ", must be a number");
    }
    return number;
  }

  private String text(YamlValue at, YamlValue value, String missing) {
    if (value == null || value.content() == null || value.content().equals("")) {
      throw wrong(at, missing);
    }
    if (value.content() instanceof Map || value.content() instanceof List) {
      throw wrong(value, missing + " but " + value.kind());
    }
    return value.content().toString();
  }

  @SuppressWarnings("unchecked")
  private Map<String, YamlValue> map(YamlValue value, String what) {
    if (value.content() instanceof Map) {
      return (Map<String, YamlValue>) value.content();
    }
    throw wrong(value, what + " is " + value.kind() + ", must be a map");
  }

  private void onlyKeys(Map<String, YamlValue> members, Set<String> known, String what) {
    members.forEach(
        (key, value) -> {
          if (!known.contains(key)) {
            throw wrong(
                value,
                what
                    + " has \""
                    + key
                    + "\", which is not one of "
                    + String.join(", ", known.stream().sorted().toList()));
          }
        });
  }
}
