package org.ternarykernels.tool.gate;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.ternarykernels.tool.output.RunConfig;
import org.ternarykernels.tool.output.RunFolder;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** A command that has measured given rows, and holds them to gates. */
@Command(name = "rows")
final class GateRun implements Runnable {
  static final List<String> IDENTITY = List.of("op", "M");

  @Mixin private GateOptions options;

  private final Map<String, Object> environment;
  private final List<? extends Map<String, ?>> rows;
  private final StringWriter out = new StringWriter();
  final Map<String, Object> result = new LinkedHashMap<>();

  /** What was wrong with the call; empty if nothing was. */
  String error = "";

  int exitCode = -1;

  GateRun(Map<String, Object> environment, List<? extends Map<String, ?>> rows) {
    this.environment = environment;
    this.rows = rows;
  }

  static Map<String, Object> machine(String cpu, Map<String, Object> gpu) {
    Map<String, Object> machine = new LinkedHashMap<>();
    machine.put("cpu_model", cpu);
    machine.put("cpu_family_model_stepping", "25/17/1");
    machine.put("gpu", gpu);
    return machine;
  }

  static Map<String, Object> row(String op, int m, double low, double ns, double high) {
    Map<String, Object> row = new LinkedHashMap<>();
    row.put("op", op);
    row.put("M", m);
    row.put("ns", ns);
    row.put("ns_low", low);
    row.put("ns_high", high);
    return row;
  }

  /** Leaves rows as a run of a command does. */
  static Path store(
      Path path, String command, Map<String, Object> environment, List<Map<String, Object>> rows)
      throws IOException {
    RunFolder folder = new RunFolder(path);
    folder.open(false);
    folder.begin(new RunConfig(command, Map.of(), Map.of()), environment);
    for (Map<String, Object> row : rows) {
      folder.add(row);
    }
    return path;
  }

  @Override
  public void run() {
    Gates gates = options.open(environment, "ns", IDENTITY);
    gates.plan(rows.stream().map(row -> Map.of("op", row.get("op"), "M", row.get("M"))).toList());
    exitCode = gates.check(rows, result);
  }

  GateRun with(String... arguments) {
    new CommandLine(this)
        .setOut(new PrintWriter(out))
        .setParameterExceptionHandler(
            (e, words) -> {
              error = e.getMessage();
              return exitCode = CommandLine.ExitCode.USAGE;
            })
        .execute(arguments);
    return this;
  }

  List<String> lines() {
    return out.toString().lines().toList();
  }

  @SuppressWarnings("unchecked")
  List<Map<String, Object>> verdicts() {
    return (List<Map<String, Object>>) result.get("gates");
  }
}
