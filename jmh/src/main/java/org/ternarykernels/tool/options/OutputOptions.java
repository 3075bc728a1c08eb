package org.ternarykernels.tool.options;

import java.io.IOException;
import java.util.Map;
import org.ternarykernels.tool.output.Json;
import org.ternarykernels.tool.output.OutputFile;
import picocli.CommandLine.Option;

/** Options of every command about what it leaves behind. */
public final class OutputOptions {
  @Option(
      names = "--json",
      paramLabel = "FILE",
      converter = OutputFile.FromText.class,
      description =
          "Also write the result as one JSON object (fields: see the end of this help). The file"
              + " appears whole or not at all; a device or a FIFO is written to. - is standard"
              + " output, which then carries JSON alone.")
  private OutputFile json;

  @Option(names = "--verbose", description = "Show where an error came from.")
  public boolean verbose;

  /** Writes {@code result} to the file of {@code --json}, if there is one. */
  public void write(Map<String, ?> result) throws IOException {
    if (json != null) {
      byte[] text = text(result);
      json.write(out -> out.write(text));
    }
  }

  /** The document, in which a number that JSON cannot hold is null. */
  public static byte[] text(Map<String, ?> result) {
    return Json.text(result);
  }

  /** Writes what there is of a result of which more will come; a stream gets the whole alone. */
  public void writeSoFar(Map<String, ?> result) throws IOException {
    if (json != null && json.isFile()) {
      write(result);
    }
  }
}
