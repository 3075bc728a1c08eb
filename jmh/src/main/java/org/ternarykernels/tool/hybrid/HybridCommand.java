package org.ternarykernels.tool.hybrid;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.tool.measure.DeviceClock;
import org.ternarykernels.tool.measure.Machine;
import org.ternarykernels.tool.options.OutDirOptions;
import org.ternarykernels.tool.options.OutputOptions;
import org.ternarykernels.tool.options.RuntimeOptions;
import org.ternarykernels.tool.output.OutputFile;
import org.ternarykernels.tool.output.Progress;
import org.ternarykernels.tool.output.ResultDocument;
import org.ternarykernels.tool.output.Screen;
import org.ternarykernels.tool.problem.Shape;
import org.ternarykernels.tool.problem.WeightCopies.State;
import org.ternarykernels.tool.stack.StackOptions;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The command; a row is a {@link Place}. */
@Command(
    name = "hybrid",
    description =
        "From how many rows on a dense product is faster than a ternary one, for each shape. On a"
            + " CPU dense is oneDNN, the faster of bf16 and f32; on a GPU it is the library's own"
            + " dense kernel. Both take turns. --settings writes the number of rows for"
            + " TERNARY_PREFILL_SKIP_M, which is used on GPUs; CPUs check it and do not use it.",
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "The crossover of a shape is the smallest M from which dense wins and keeps winning. The"
          + " threshold is one less than the smallest M from which on a step through all shapes"
          + " takes less time with dense products; 0, which is never, where there is none.",
      "JSON: date, command, complete, seconds, environment {...}, memory, rows [{"
          + Place.FIELDS
          + "}], crossovers [{shape, from_m}], threshold_m, settings_file, counts {ternary, dense:"
          + " rows won}, force, disagreements [{shape, M, measured, model}], failed.",
      "model_ns is what the cost model expects of the ternary kernel, on GPUs alone.",
      "Exit code 1 if a result was wrong, or a side that was asked for could not be measured."
    })
public final class HybridCommand implements Callable<Integer> {
  private static final int MOST_ROWS = 65536;
  private static final String EXPERTS = "expert_";

  @Option(
      names = "--m",
      paramLabel = "LIST",
      split = ",",
      defaultValue = "1,2,4,8,16,32,64,128,256,512",
      description = "Rows, a result each (default ${DEFAULT-VALUE}).")
  private List<Integer> ms;

  @Option(
      names = "--seconds",
      paramLabel = "S",
      defaultValue = "1",
      description =
          "Time for the measurements of each row (default ${DEFAULT-VALUE}; at least seven rounds"
              + " are made).")
  private double seconds;

  @Option(
      names = "--memory",
      paramLabel = "STATE",
      defaultValue = "streaming",
      description =
          "Where weights are when a call begins: streaming (default), so many copies that no cache"
              + " holds them, as in a model; resident, one copy.")
  private State memory;

  @Option(
      names = "--force",
      paramLabel = "SIDE",
      description =
          "Measure this side alone, ternary or dense, and declare that it serves: every row counts"
              + " for it, and the threshold is 0 or 1.")
  private Side force;

  @Option(
      names = "--settings",
      paramLabel = "FILE",
      converter = OutputFile.FromText.class,
      description = "Write the threshold to a settings file, which TERNARY_SETTINGS loads.")
  private OutputFile settings;

  @Mixin private StackOptions stackOptions;
  @Mixin private RuntimeOptions runtimeOptions;
  @Mixin private OutDirOptions outDir;

  @Mixin(name = "output")
  private OutputOptions output;

  @Spec private CommandSpec spec;

  private final ResultDocument result = new ResultDocument("hybrid");
  private final Map<String, Object> json = result.json();
  private final List<Map<String, Object>> rows = result.rows();
  private int blocks;
  private boolean cuda;

  @Override
  public Integer call() throws Exception {
    List<Shape> shapes = check();
    System.setProperty(
        "org.slf4j.simpleLogger.log.org.ternarykernels", "error"); // refusals show in the paths
    // Its ternary kernels serve every M, whatever the environment says.
    try (TernaryRuntime runtime = open(0)) {
      cuda = runtime.device().isCuda();
      require(
          !cuda || stackOptions.activation().isA8(),
          "--activation",
          stackOptions.activation(),
          "a8 or a8:B on a GPU, whose dense kernel is of int8 activations");
      Map<String, Object> environment = new Machine().environment(runtime);
      json.put("environment", environment);
      json.put("memory", memory.name().toLowerCase(Locale.ROOT));
      rows.addAll(outDir.begin(environment));
      TrialPlan plan =
          new TrialPlan(
              stackOptions.layout(),
              stackOptions.activation(),
              memory,
              blocks,
              force,
              (long) (seconds * 1e9));
      try (Trial trial =
          cuda
              ? new CudaTrial(runtime, open(1), plan)
              : new CpuTrial(runtime, (Integer) environment.get("threads"), plan)) {
        measure(runtime, trial, shapes);
      }
    }
    output.write(json);
    return Integer.valueOf(0).equals(json.get("failed")) ? 0 : 1;
  }

  private TernaryRuntime open(int skip) {
    try {
      return runtimeOptions.builder(runtimeOptions.isa).prefillSkipM(skip).build();
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), e.getMessage(), e);
    }
  }

  private void require(boolean valid, String option, Object value, String rule) {
    RuntimeOptions.require(valid, spec.commandLine(), option, value, rule);
  }

  /** The shapes; what cannot be is refused before anything is made. */
  private List<Shape> check() throws IOException {
    stackOptions.check();
    require(!stackOptions.ofModel(), "--model", "given", "left out: hybrid is of --shapes");
    require(seconds > 0 && seconds <= 3600, "--seconds", seconds, "above 0 and at most 3600");
    for (int m : ms) {
      require(m >= 1 && m <= MOST_ROWS, "--m", m, "1 to " + MOST_ROWS);
    }
    blocks = stackOptions.blocks();
    List<Shape> all = stackOptions.shapes();
    List<Shape> shapes = all.stream().filter(s -> !s.name().startsWith(EXPERTS)).toList();
    require(!shapes.isEmpty(), "--shapes", "of experts alone", "of products");
    require(
        shapes.stream().map(Shape::name).distinct().count() == shapes.size(),
        "--shapes",
        "a list with a name twice",
        "of different names");
    return shapes;
  }

  private void measure(TernaryRuntime runtime, Trial trial, List<Shape> shapes) throws IOException {
    boolean timed = DeviceClock.tellsTime(runtime.device());
    Screen screen = Screen.of(spec);
    if (!timed) {
      screen.line(DeviceClock.NO_TIMES + ", so there is no crossover");
    }
    PlaceTable table = new PlaceTable(screen);
    rows.forEach(table::line);
    List<Integer> ascending = ms.stream().distinct().sorted().toList();
    int count = shapes.size() * ascending.size();
    try (Progress progress = screen.progress("hybrid, rows", count)) {
      for (Shape shape : shapes) {
        for (int m : ascending) {
          if (isDone(shape, m)) {
            continue; // of the run that is gone on with
          }
          progress.at(rows.size(), "now " + shape.name() + ", M = " + m);
          Map<String, Object> row = trial.measure(shape, m).json();
          rows.add(row);
          outDir.add(row);
          table.line(row);
          put(timed, false);
          outDir.write(PlaceTable.COLUMNS, rows, table.text(), json);
          output.writeSoFar(json);
        }
      }
    }
    table.end();
    put(timed, true);
    StringBuilder said = new StringBuilder();
    summary(runtime, shapes)
        .forEach(
            text -> {
              screen.line(text);
              said.append(text).append('\n');
            });
    outDir.write(PlaceTable.COLUMNS, rows, table.text() + said, json);
  }

  private boolean isDone(Shape shape, int m) {
    return rows.stream()
        .anyMatch(row -> shape.name().equals(row.get("shape")) && row.get("M").equals(m));
  }

  private void put(boolean timed, boolean complete) {
    Crossovers crossovers = new Crossovers(rows, blocks, force);
    result.update(complete);
    json.put("crossovers", crossovers.byShape());
    json.put("threshold_m", crossovers.threshold());
    json.put("settings_file", null);
    json.put("counts", crossovers.counts());
    json.put("force", force == null ? null : force.id());
    json.put("disagreements", crossovers.disagreements());
    json.put("failed", (int) rows.stream().filter(row -> failed(row, timed)).count());
  }

  /** A wrong result, or a side that was asked for and has no time where there could be one. */
  private boolean failed(Map<String, Object> row, boolean timed) {
    boolean ternary = force == Side.DENSE || row.get("ternary_ns") != null;
    boolean dense =
        force == Side.TERNARY || cuda && row.get("M").equals(1) || row.get("dense_ns") != null;
    return row.get("error") != null || timed && !(ternary && dense);
  }

  /** The lines below the table; the settings file is written here. */
  private List<String> summary(TernaryRuntime runtime, List<Shape> shapes) throws IOException {
    List<String> lines = new ArrayList<>();
    Crossovers crossovers = new Crossovers(rows, blocks, force);
    if (stackOptions.shapes().size() > shapes.size()) {
      lines.add("Shapes of experts are left out: the setting is of products.");
    }
    lines.addAll(crossovers.sentences());
    Integer threshold = (Integer) json.get("threshold_m");
    if (!runtime.device().isCuda()) {
      lines.add("GPUs use this setting; CPUs check it and do not use it.");
    }
    if (settings != null && threshold != null) {
      lines.add(write(crossovers, runtime));
    } else if (settings != null) {
      lines.add(settings + " was not written");
    }
    return lines;
  }

  private String write(Crossovers crossovers, TernaryRuntime runtime) throws IOException {
    String of = "ternary hybrid on " + runtime.device().name() + ", " + json.get("date");
    byte[] text = crossovers.settings(of).getBytes(StandardCharsets.UTF_8);
    settings.write(out -> out.write(text));
    json.put("settings_file", settings.toString());
    return settings.isFile()
        ? "Use it: TERNARY_SETTINGS=" + settings
        : "the settings are written to " + settings;
  }
}
