package org.ternarykernels.tool.gate;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.ternarykernels.tool.options.OutDirOptions;
import org.ternarykernels.tool.options.Yaml;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Options of the commands whose rows can be held to rules and compared with an earlier run. */
public final class GateOptions {
  /** What the help of a command says of the member {@code gates}. */
  public static final String FIELDS =
      "gates [{gate, row, metric, value, low, high, baseline, change (value / baseline),"
          + " change_low, change_high, verdict (ok, same or failed), why}]";

  @Option(
      names = "--gate",
      paramLabel = "FILE",
      description =
          "Rules for rows, YAML: gates: [{name, metric, where: {column: value or list}, min, max,"
              + " ratio: {min, max}}]. ratio is of the value to that of --baseline; a change whose"
              + " intervals do not part counts as 1. The exit code is 1 where a row fails.")
  private Path file;

  @Option(
      names = "--baseline",
      paramLabel = "DIR",
      description =
          "The --out-dir of an earlier run on the same CPU and GPU. Rows are put beside its rows of"
              + " the same columns; without --gate only the change is shown.")
  private Path folder;

  @Spec(Spec.Target.MIXEE)
  private CommandSpec command;

  /** Whether rows will be judged. */
  public boolean isGiven() {
    return file != null || folder != null;
  }

  /**
   * Reads what the options name, before any work.
   *
   * @param environment of this machine, as {@code environment.json} has it
   * @param metric whose change is shown where there is no {@code --gate}
   * @param identity columns that say what was measured, not what came out
   * @throws ParameterException if a file cannot serve, or the baseline is of another machine
   */
  public Gates open(Map<String, Object> environment, String metric, List<String> identity) {
    try {
      List<Gate> gates = gates(metric);
      RowIdentity columns = new RowIdentity(List.copyOf(identity));
      BaselineRun baseline = null;
      if (folder != null) {
        requireAnother();
        baseline = new BaselineRun(folder, command.name(), columns);
        baseline.requireSameMachine(environment);
      }
      for (Gate gate : gates) {
        if (baseline == null && !gate.ratio().isEmpty()) {
          throw Yaml.wrong(
              name(),
              gate.line(),
              "gate \"" + gate.name() + "\" has a ratio, must be given with --baseline");
        }
      }
      return new Gates(command, file == null ? "" : name(), gates, baseline, columns);
    } catch (NoSuchFileException e) {
      throw wrong("no such file: " + e.getMessage(), e);
    } catch (IOException e) {
      throw wrong("--gate or --baseline cannot be read: " + e.getMessage(), e);
    } catch (IllegalArgumentException e) {
      throw wrong(e.getMessage(), e);
    }
  }

  /** A run that is compared with itself has not changed. */
  private void requireAnother() throws IOException {
    for (CommandSpec mixin : command.mixins().values()) {
      if (mixin.userObject() instanceof OutDirOptions outDir
          && outDir.folder() != null
          && Files.exists(outDir.folder().path())
          && Files.exists(folder)
          && Files.isSameFile(outDir.folder().path(), folder)) {
        throw new IllegalArgumentException(
            "--baseline is " + folder + ", must be another folder than --out-dir");
      }
    }
  }

  private String name() {
    return file.getFileName().toString();
  }

  private List<Gate> gates(String metric) throws IOException {
    if (file != null) {
      return GateFile.parse(name(), Files.readString(file));
    }
    return folder == null ? List.of() : List.of(Gate.ofChange(metric));
  }

  private ParameterException wrong(String message, Exception cause) {
    return new ParameterException(command.commandLine(), message, cause);
  }
}
