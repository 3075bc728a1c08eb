package org.ternarykernels.tool.gate;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.ternarykernels.tool.output.Anonymous;
import org.ternarykernels.tool.output.RunFolder;

/** What an earlier run has left in its {@code --out-dir}. */
final class BaselineRun {
  private static final ObjectMapper MAPPER = new ObjectMapper();

  private final Path folder;
  private final RowIdentity identity;
  private final Map<String, Object> environment;
  private final Map<String, Map<String, Object>> rows = new HashMap<>();

  /**
   * @throws IOException if it cannot be read
   * @throws IllegalArgumentException if it is no folder of a run of this command
   */
  BaselineRun(Path folder, String command, RowIdentity identity) throws IOException {
    this.folder = folder;
    this.identity = identity;
    for (String file : List.of(RunFolder.CONFIG, RunFolder.ENVIRONMENT)) {
      if (!Files.isRegularFile(folder.resolve(file))) {
        throw wrong("must be the --out-dir of an earlier run: it has no " + file);
      }
    }
    String other = read(RunFolder.CONFIG).path("command").asText();
    if (!other.equals(command)) {
      throw wrong("has a run of " + other + ", must be of " + command);
    }
    environment = map(read(RunFolder.ENVIRONMENT));
    for (JsonNode row : storedRows()) {
      Map<String, Object> values = map(row);
      rows.put(identity.text(values), values);
    }
    if (rows.isEmpty()) {
      throw wrong("has no rows");
    }
  }

  private IllegalArgumentException wrong(String what) {
    return new IllegalArgumentException("--baseline is " + folder + ", which " + what);
  }

  private JsonNode read(String file) throws IOException {
    return MAPPER.readTree(folder.resolve(file).toFile());
  }

  private List<JsonNode> storedRows() throws IOException {
    List<JsonNode> stored = new ArrayList<>(RunFolder.rows(folder));
    if (stored.isEmpty() && Files.exists(folder.resolve(RunFolder.RESULT))) {
      read(RunFolder.RESULT).path("rows").forEach(stored::add);
    }
    return stored;
  }

  private static Map<String, Object> map(JsonNode json) {
    return MAPPER.convertValue(json, new TypeReference<>() {});
  }

  /**
   * Refuses to compare with another machine.
   *
   * @throws IllegalArgumentException if the CPU or the GPU is another
   */
  void requireSameMachine(Map<String, Object> here) {
    requireSame("CPU", cpu(environment), cpu(here));
    requireSame("GPU", gpu(environment), gpu(here));
  }

  private void requireSame(String part, String there, String here) {
    if (!there.equals(here)) {
      throw wrong("was measured on another " + part + ": " + there + ", here is " + here);
    }
  }

  private static String cpu(Map<String, Object> environment) {
    return Anonymous.text(
        environment.get("cpu_model")
            + " (family/model/stepping "
            + environment.get("cpu_family_model_stepping")
            + ")");
  }

  private static String gpu(Map<String, Object> environment) {
    if (environment.get("gpu") instanceof Map<?, ?> gpu) {
      return Anonymous.text(
          gpu.get("name") + " (compute capability " + gpu.get("capability") + ")");
    }
    return "none";
  }

  /** The stored row of what a row says was measured; null where there is none. */
  Map<String, Object> row(Map<String, ?> row) {
    return rows.get(identity.text(row));
  }

  @Override
  public String toString() {
    return folder.toString();
  }
}
