package org.ternarykernels.tool.sweep;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Settings under which the load is run.
 *
 * @param purpose what it is there to find out
 * @param expected what it should change
 * @param env knobs, by the names of their environment variables
 * @param options of {@code load}, by their names without dashes
 */
record Profile(
    String name,
    String purpose,
    String expected,
    Map<String, String> env,
    Map<String, String> options) {
  /** The one that all others are compared with. */
  static final String BASELINE = "baseline";

  boolean isBaseline() {
    return name.equals(BASELINE);
  }

  Map<String, Object> json() {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("name", name);
    json.put("purpose", purpose);
    json.put("expected", expected);
    json.put("env", env);
    json.put("options", options);
    return json;
  }
}
