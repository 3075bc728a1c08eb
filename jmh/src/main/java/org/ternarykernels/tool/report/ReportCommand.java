package org.ternarykernels.tool.report;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.ternarykernels.storage.AtomicFile;
import org.ternarykernels.tool.options.OutputOptions;
import org.ternarykernels.tool.output.OutputFile;
import org.ternarykernels.tool.output.Screen;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** The command. */
@Command(
    name = "report",
    description =
        "One page of the results in the --out-dir of other commands: tables, charts, roofline. It"
            + " needs no network. Beside it, FILE.csv has every row of every run.",
    mixinStandardHelpOptions = true,
    footer = {"", "JSON: runs [{name, command, rows, complete}], left_out [sentences]."})
public final class ReportCommand implements Callable<Integer> {
  @Parameters(arity = "1..*", paramLabel = "DIR", description = "Folders of runs.")
  private List<Path> folders;

  @Option(
      names = "--out",
      paramLabel = "FILE",
      defaultValue = "ternary-report.html",
      converter = OutputFile.FromText.class,
      description = "Page to write (default ${DEFAULT-VALUE}).")
  private OutputFile out;

  @Option(
      names = "--allow-missing",
      description = "Leave out a folder that has no run, or a damaged one, and say so in the page.")
  private boolean allowMissing;

  @Mixin(name = "output")
  private OutputOptions output;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws Exception {
    List<Run> runs = new ArrayList<>();
    List<String> notes = new ArrayList<>();
    for (Path folder : folders) {
      try {
        runs.add(known(Run.read(folder), folder));
      } catch (IllegalArgumentException | IOException e) {
        if (!allowMissing) {
          throw new CommandLine.ParameterException(spec.commandLine(), e.getMessage(), e);
        }
        notes.add("Left out: " + folder.getFileName() + ", whose run cannot be read.");
      }
    }
    byte[] page = Page.of(runs, notes).getBytes(StandardCharsets.UTF_8);
    byte[] csv = MergedRows.csv(runs).getBytes(StandardCharsets.UTF_8);
    out.write(stream -> stream.write(page));
    if (out.isFile()) {
      AtomicFile.write(Path.of(out.path() + ".csv"), stream -> stream.write(csv));
      Screen.of(spec).line(runs.size() + " runs: " + out.path() + ", " + out.path() + ".csv");
    }
    output.write(json(runs, notes));
    return 0;
  }

  private static Run known(Run run, Path folder) {
    if (!Page.knows(run.command())) {
      throw new IllegalArgumentException(
          folder + " has a run of \"" + run.command() + "\", which the report does not know");
    }
    return run;
  }

  private static Map<String, Object> json(List<Run> runs, List<String> notes) {
    List<Map<String, Object>> said = new ArrayList<>();
    for (Run run : runs) {
      Map<String, Object> one = new LinkedHashMap<>();
      one.put("name", run.name());
      one.put("command", run.command());
      one.put("rows", run.rows().size());
      one.put("complete", run.isComplete());
      said.add(one);
    }
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("runs", said);
    json.put("left_out", notes);
    return json;
  }
}
