package org.ternarykernels.tool.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import picocli.CommandLine;

/** One run of the command line in this JVM, with what it printed. */
public record ToolRun(int exitCode, String out, String err) {
  public static final Path TEST_DATA = Path.of(System.getProperty("test.data"));
  public static final Path MODEL = TEST_DATA.resolve("tiny-bitnet");

  public static ToolRun of(Object... arguments) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    CommandLine command =
        Ternary.commandLine().setOut(new PrintWriter(out)).setErr(new PrintWriter(err));
    String[] words = new String[arguments.length];
    for (int i = 0; i < words.length; i++) {
      words[i] = arguments[i].toString();
    }
    return new ToolRun(command.execute(words), out.toString(), err.toString());
  }

  public static JsonNode json(Path file) throws IOException {
    return new ObjectMapper().readTree(file.toFile());
  }

  /** The lines of stderr. */
  public String[] sentences() {
    return err.lines().toArray(String[]::new);
  }
}
