package org.ternarykernels.tool.options;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.ternarykernels.tool.output.RunConfig;
import org.ternarykernels.tool.output.RunFolder;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Options of the commands that leave a folder behind; without one nothing is written. */
public final class OutDirOptions {
  @Option(
      names = "--out-dir",
      paramLabel = "DIR",
      converter = RunFolder.FromText.class,
      description =
          "Write config.json, environment.json, rows.jsonl, result.json, summary.csv and"
              + " summary.txt to this folder, which must be empty or new.")
  private RunFolder folder;

  @Option(
      names = "--resume",
      description = "Go on with the run in --out-dir, which must have the same config.")
  private boolean resume;

  @Spec(Spec.Target.MIXEE)
  private CommandSpec command;

  /** The folder, or null. */
  public RunFolder folder() {
    return folder;
  }

  /** Whether a run is gone on with. */
  public boolean resumes() {
    return resume;
  }

  /**
   * Begins a run in the folder, if there is one.
   *
   * @param environment of the machine; its member {@code knobs} belongs to the config
   * @return the rows that are there already, in which nothing needs to be measured again
   * @throws ParameterException if the folder has a run of another config
   */
  @SuppressWarnings("unchecked")
  public List<Map<String, Object>> begin(Map<String, Object> environment) throws IOException {
    if (folder == null) {
      return List.of();
    }
    Map<String, String> knobs = (Map<String, String>) environment.getOrDefault("knobs", Map.of());
    try {
      return folder.begin(RunConfig.of(command, knobs), environment);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(command.commandLine(), e.getMessage(), e);
    }
  }

  /** Adds a finished row. */
  public void add(Map<String, ?> row) throws IOException {
    if (folder != null) {
      folder.add(row);
    }
  }

  /** Writes what people read of all rows so far, and the whole result. */
  public void write(
      List<String> columns, List<? extends Map<String, ?>> rows, String text, Map<String, ?> result)
      throws IOException {
    if (folder != null) {
      folder.summary(columns, rows, text);
      folder.result(result);
    }
  }
}
