package org.ternarykernels.tool;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Map;
import picocli.CommandLine.Option;

/** Options of every command about what it leaves behind. */
final class OutputOptions {
  private static final ObjectMapper JSON =
      new ObjectMapper()
          .enable(SerializationFeature.INDENT_OUTPUT)
          .registerModule(new FiniteNumbers());

  @Option(
      names = "--json",
      paramLabel = "FILE",
      description =
          "Also write the result as one JSON object (fields: see the end of this help). "
              + "The file appears whole or not at all.")
  Path json;

  @Option(names = "--verbose", description = "Show where an error came from.")
  boolean verbose;

  /** Writes {@code result} to the file of {@code --json}, if there is one. */
  void write(Map<String, ?> result) throws IOException {
    if (json == null) {
      return;
    }
    Path target = json.toAbsolutePath();
    Path whole =
        target.resolveSibling("." + target.getFileName() + "." + ProcessHandle.current().pid());
    try {
      Files.write(whole, JSON.writeValueAsBytes(result));
      Files.move(
          whole, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } finally {
      Files.deleteIfExists(whole);
    }
  }
}
