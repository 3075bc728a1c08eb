package org.ternarykernels.tool.cli;

import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The tool in a process of its own, for what a JVM can do once: end, be interrupted, lose its
 * reader.
 */
public final class ToolProcess {
  private ToolProcess() {}

  /** The command that starts it. */
  public static List<String> command(Object... arguments) {
    List<String> words = new ArrayList<>();
    words.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    words.add("-cp");
    words.add(System.getProperty("java.class.path"));
    words.add(Ternary.class.getName());
    for (Object argument : arguments) {
      words.add(argument.toString());
    }
    return words;
  }

  /** Starts a shell with the tool as {@code "$@"}. */
  public static Process shell(File err, String script, Object... arguments) throws IOException {
    List<String> words = new ArrayList<>(List.of("bash", "-c", script, "bash"));
    words.addAll(command(arguments));
    return new ProcessBuilder(words).redirectError(err).start();
  }
}
