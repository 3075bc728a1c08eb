package org.ternarykernels.tool.tune;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.ternarykernels.TernaryRuntime;

/**
 * The values of a runtime's tuning table and what they hold for: the content of a file for {@code
 * TERNARY_TUNING}.
 */
public final class TuningFile {
  private final Map<String, String> machine;
  private final Map<String, Long> values;

  private TuningFile(Map<String, String> machine, Map<String, Long> values) {
    this.machine = machine;
    this.values = values;
  }

  /** What is built in for this runtime's machine and instruction set. */
  public static TuningFile builtIn(TernaryRuntime runtime) throws IOException {
    JsonNode info = new ObjectMapper().readTree(runtime.infoJson());
    JsonNode tuning = info.get("tuning");
    Map<String, String> machine = new LinkedHashMap<>();
    machine.put("version", info.get("version").asText());
    machine.put("device", info.get("device").asText());
    for (String name : new String[] {"device_id", "isa", "cores", "cache_bytes"}) {
      machine.put(name, tuning.get(name).asText());
    }
    Map<String, Long> values = new LinkedHashMap<>();
    for (JsonNode value : tuning.get("values")) {
      values.put(value.get("name").asText(), value.get("built_in").asLong());
    }
    return new TuningFile(machine, values);
  }

  /** The same with other values for some names. */
  public TuningFile with(Map<String, Long> changed) {
    Map<String, Long> all = new LinkedHashMap<>(values);
    changed.forEach(
        (name, value) -> {
          if (all.replace(name, value) == null) {
            throw new IllegalStateException("the library's tuning table has no value " + name);
          }
        });
    return new TuningFile(machine, all);
  }

  public Map<String, Long> values() {
    return Collections.unmodifiableMap(values);
  }

  public long value(String name) {
    return values.get(name);
  }

  public String machine(String name) {
    return machine.get(name);
  }

  /** The file's text. */
  public String text(String comment) {
    StringBuilder text = new StringBuilder("# ").append(comment).append('\n');
    machine.forEach((name, value) -> text.append(name).append('=').append(value).append('\n'));
    values.forEach((name, value) -> text.append(name).append('=').append(value).append('\n'));
    return text.append("end=").append(machine.size() + values.size()).append('\n').toString();
  }
}
