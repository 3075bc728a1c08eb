package org.ternarykernels.tool.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.ZoneId;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import org.ternarykernels.Isa;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.tool.measure.Interleaved;
import org.ternarykernels.tool.options.OutputOptions;
import org.ternarykernels.tool.options.RuntimeOptions;
import org.ternarykernels.tool.output.OutputFile;
import org.ternarykernels.tool.output.Progress;
import org.ternarykernels.tool.output.Screen;
import org.ternarykernels.tool.tune.TuningFile;
import org.ternarykernels.tool.tune.TuningReport;
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
      "A value whose series is too noisy is not taken: the built-in one stays, and table, file and"
          + " JSON say so. The exit code is 1, without a file, where that is every value.",
      "JSON: file, isa, device, values [{name, built_in, value, measured, noisy, noise (half of the"
          + " interval over the median), how}]."
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

  /** What takes the times; tests plant theirs. */
  TuningTrials.Rounds rounds = Interleaved::run;

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
    TuningReport report;
    try (TuningTrials trials =
        new TuningTrials(builtIn, rounds, quick, name -> progress.at(done[0]++, "now " + name))) {
      trials.run();
      report = new TuningReport(builtIn, trials);
    }
    progress.close();
    screen.println();
    report.print(Screen.of(spec).table());
    screen.println();
    boolean written = report.hasValues();
    if (written) {
      write(report, screen);
    } else {
      screen.println("Every series was too noisy, so that no file was written.");
    }
    screen.flush();
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("file", written ? path().toString() : null);
    json.put("isa", builtIn.machine("isa"));
    json.put("device", builtIn.machine("device"));
    json.put("values", report.rows());
    output.write(json);
    return written ? 0 : 1;
  }

  private Path path() {
    return out.path().toAbsolutePath();
  }

  private void write(TuningReport report, PrintWriter screen) throws IOException {
    byte[] text = report.file().text(comment() + report.comment()).getBytes(StandardCharsets.UTF_8);
    out.write(stream -> stream.write(text));
    if (out.isFile()) {
      try (TernaryRuntime runtime = open(out.path())) {
        check(runtime);
      }
      screen.println("Use it: export TERNARY_TUNING=" + path());
    }
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
}
