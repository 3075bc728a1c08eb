package org.ternarykernels.tool.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.ternarykernels.Isa;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.tool.options.OutputOptions;
import org.ternarykernels.tool.options.RuntimeOptions;
import org.ternarykernels.tool.output.OutputFile;
import org.ternarykernels.tool.output.Progress;
import org.ternarykernels.tool.output.Screen;
import org.ternarykernels.tool.tune.TuningFile;
import org.ternarykernels.tool.tune.TuningTrials;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
    name = "tune",
    description =
        "Measure on this machine what chooses kernels, layouts and threads, and write it to a file"
            + " that the environment variable TERNARY_TUNING names. Takes a minute; the machine"
            + " should have nothing else to do.",
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "The file holds for this processor, its cores and caches as this process may use them, one"
          + " instruction set and this version; elsewhere it is refused with a warning and the"
          + " built-in values serve.",
      "JSON: file, isa, device, values [{name, built_in, value, measured, how}]."
    })
final class TuneCommand implements Callable<Integer> {
  @Option(
      names = "--out",
      paramLabel = "FILE",
      defaultValue = "ternary-tuning.txt",
      converter = OutputFile.FromText.class,
      description =
          "File to write (default: ${DEFAULT-VALUE}); appears whole or not at all. A device or a"
              + " FIFO is written to.")
  private OutputFile out;

  @Option(
      names = "--quick",
      description = "Fewer and shorter rounds: less than half a minute, less sure.")
  private boolean quick;

  @Option(
      names = "--isa",
      paramLabel = "NAME",
      converter = RuntimeOptions.IsaName.class,
      description =
          "Tune for runtimes that are capped to this instruction set (default: the best).")
  private Isa isa;

  @Mixin(name = "output")
  private OutputOptions output;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws Exception {
    PrintWriter screen = spec.commandLine().getOut();
    TuningFile builtIn;
    try (TernaryRuntime runtime = open(Path.of(""))) {
      builtIn = TuningFile.builtIn(runtime);
    }
    screen.println(
        builtIn.machine("device")
            + " ("
            + builtIn.machine("device_id")
            + "), "
            + builtIn.machine("isa")
            + ", "
            + builtIn.machine("cores")
            + " cores");
    screen.flush();
    Progress progress = Screen.of(spec).progress("values measured", builtIn.values().size());
    int[] done = {0};
    List<Map<String, Object>> rows = new ArrayList<>();
    try (TuningTrials trials =
        new TuningTrials(builtIn, quick, name -> progress.at(done[0]++, "now " + name))) {
      trials.run();
      TuningFile file = builtIn.with(trials.measured());
      byte[] text = file.text(comment()).getBytes(StandardCharsets.UTF_8);
      out.write(stream -> stream.write(text));
      table(screen, builtIn, file, trials, rows);
    }
    Path written = out.path().toAbsolutePath();
    if (out.isFile()) {
      try (TernaryRuntime runtime = open(out.path())) {
        check(runtime);
      }
      screen.println();
      screen.println("Use it: export TERNARY_TUNING=" + written);
    }
    screen.flush();
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("file", written.toString());
    json.put("isa", builtIn.machine("isa"));
    json.put("device", builtIn.machine("device"));
    json.put("values", rows);
    output.write(json);
    return 0;
  }

  private String comment() {
    return "Measured on "
        + LocalDate.now(ZoneId.systemDefault())
        + " by ternary tune"
        + (quick ? " --quick" : "");
  }

  private TernaryRuntime open(Path tuning) {
    TernaryRuntime.Builder builder = TernaryRuntime.builder().tuning(tuning);
    return (isa == null ? builder : builder.maxIsa(isa)).build();
  }

  /** The library reads what was written, or says why not. */
  private static void check(TernaryRuntime runtime) throws IOException {
    String error = new ObjectMapper().readTree(runtime.infoJson()).at("/tuning/error").asText();
    if (!error.isEmpty()) {
      throw new IllegalStateException(error);
    }
  }

  private static void table(
      PrintWriter screen,
      TuningFile builtIn,
      TuningFile file,
      TuningTrials trials,
      List<Map<String, Object>> rows) {
    screen.printf("%n%-30s %12s %12s  %s%n", "value", "built in", "here", "from");
    builtIn
        .values()
        .forEach(
            (name, value) -> {
              boolean measured = trials.measured().containsKey(name);
              screen.printf(
                  "%-30s %12d %12s  %s%n",
                  name, value, measured ? file.value(name) : "-", trials.how(name));
              Map<String, Object> row = new LinkedHashMap<>();
              row.put("name", name);
              row.put("built_in", value);
              row.put("value", file.value(name));
              row.put("measured", measured);
              row.put("how", trials.how(name));
              rows.add(row);
            });
  }
}
