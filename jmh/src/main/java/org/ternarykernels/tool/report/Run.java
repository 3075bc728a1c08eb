package org.ternarykernels.tool.report;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.ternarykernels.tool.output.RunFolder;

/**
 * What a command left in a folder.
 *
 * @param name of the folder
 * @param command that was run
 * @param config options and knobs
 * @param environment of the machine; missing where there is none
 * @param result the whole document; missing where the run ended too early
 * @param rows that were finished
 */
record Run(
    String name,
    String command,
    JsonNode config,
    JsonNode environment,
    JsonNode result,
    List<JsonNode> rows) {

  /**
   * Reads a folder.
   *
   * @throws IllegalArgumentException if it has no run, or one of its files is damaged
   */
  static Run read(Path folder) throws IOException {
    if (!Files.exists(folder.resolve(RunFolder.CONFIG))) {
      throw new IllegalArgumentException(
          folder + " has no " + RunFolder.CONFIG + ", must be the --out-dir of a command");
    }
    JsonNode config = json(folder.resolve(RunFolder.CONFIG));
    try {
      return new Run(
          String.valueOf(folder.toAbsolutePath().normalize().getFileName()),
          config.path("command").asText("?"),
          config,
          json(folder.resolve(RunFolder.ENVIRONMENT)),
          json(folder.resolve(RunFolder.RESULT)),
          RunFolder.rows(folder));
    } catch (JsonProcessingException e) {
      throw damaged(folder.resolve(RunFolder.ROWS), e);
    }
  }

  private static JsonNode json(Path file) throws IOException {
    if (!Files.exists(file)) {
      return MissingNode.getInstance();
    }
    try {
      return new ObjectMapper().readTree(file.toFile());
    } catch (JsonProcessingException e) {
      throw damaged(file, e);
    }
  }

  private static IllegalArgumentException damaged(Path file, JsonProcessingException e) {
    int line = e.getLocation() == null ? 0 : e.getLocation().getLineNr();
    return new IllegalArgumentException(
        file + ", line " + line + ", is no JSON: " + e.getOriginalMessage(), e);
  }

  /** Whether the run went to its end. */
  boolean isComplete() {
    return result.path("complete").asBoolean();
  }
}
