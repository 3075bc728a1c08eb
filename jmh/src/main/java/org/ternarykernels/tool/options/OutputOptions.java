package org.ternarykernels.tool.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.IOException;
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
      converter = OutputFile.FromText.class,
      description =
          "Also write the result as one JSON object (fields: see the end of this help). "
              + "The file appears whole or not at all; a device or a FIFO is written to.")
  private OutputFile json;

  @Option(names = "--verbose", description = "Show where an error came from.")
  boolean verbose;

  /** Writes {@code result} to the file of {@code --json}, if there is one. */
  void write(Map<String, ?> result) throws IOException {
    if (json != null) {
      byte[] text = text(result);
      json.write(out -> out.write(text));
    }
  }

  /** The document, in which a number that JSON cannot hold is null. */
  static byte[] text(Map<String, ?> result) throws IOException {
    return JSON.writeValueAsBytes(result);
  }

  /** Writes what there is of a result of which more will come; a stream gets the whole alone. */
  void writeSoFar(Map<String, ?> result) throws IOException {
    if (json != null && json.isFile()) {
      write(result);
    }
  }
}
