package org.ternarykernels.tool.shadow;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.tool.gate.GateOptions;
import org.ternarykernels.tool.gate.Gates;
import org.ternarykernels.tool.measure.Machine;
import org.ternarykernels.tool.options.OutDirOptions;
import org.ternarykernels.tool.options.OutputOptions;
import org.ternarykernels.tool.options.RuntimeOptions;
import org.ternarykernels.tool.output.Progress;
import org.ternarykernels.tool.output.ResultDocument;
import org.ternarykernels.tool.output.Screen;
import org.ternarykernels.tool.problem.Shape;
import org.ternarykernels.tool.problem.TemporaryFolder;
import org.ternarykernels.tool.stack.ProductWatch;
import org.ternarykernels.tool.stack.Stack;
import org.ternarykernels.tool.stack.StackOptions;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The command; a run is {@link ShadowRun}. */
@Command(
    name = "shadow",
    description =
        "Take steps through a stack of layers while a sample of the calls is computed again, and"
            + " say what differed. Or report what such runs, and programs with TERNARY_SHADOW_FILE,"
            + " have written. Rows are in host memory: calls on a GPU's stream are not sampled.",
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "JSON: date, command, complete, seconds, environment {...}, by, every, steps, sampled,"
          + " unsampled, different, written, failed (calls that could not be computed again),"
          + " shadow_error, path_counts, groups [by path and shape], rows [{"
          + Divergence.FIELDS
          + "}]. --out-dir also has divergences.jsonl, as the calls differ.",
      "With --report: folders [{folder, files, divergences, malformed, missing}], divergences,"
          + " malformed, groups, rows (the worst).",
      "A value of A8 differs by its bits, one of A16 beyond the bound of its sums, and one that"
          + " dense has computed again beyond the bound of verify.",
      "Exit code 1 if a call differed, could not be computed again, or none was sampled; of"
          + " --report if a call differed or a line cannot be read."
    })
public final class ShadowCommand implements Callable<Integer> {
  private static final int MOST_STEPS = 1_000_000;

  @Option(
      names = "--by",
      paramLabel = "BY",
      defaultValue = "oracle",
      description =
          "What computes a call again: oracle (default), an instruction set, cpu, cuda, cuda:N, or"
              + " dense, a dense fp16 product of at most 4 rows (of shapes alone).")
  private String by;

  @Option(
      names = "--every",
      paramLabel = "N",
      defaultValue = "7",
      description =
          "One call of so many is sampled, the first among them (default ${DEFAULT-VALUE}).")
  private long every;

  @Option(
      names = "--steps",
      paramLabel = "N",
      defaultValue = "8",
      description = "Steps through the stack (default ${DEFAULT-VALUE}).")
  private int steps;

  @Option(
      names = "--m",
      paramLabel = "LIST",
      split = ",",
      defaultValue = "1,8",
      description = "Rows of a step, in turns (default ${DEFAULT-VALUE}); at most --batch.")
  private List<Integer> rows;

  @Option(
      names = "--max-diffs",
      paramLabel = "N",
      defaultValue = "100",
      description = "Calls that are written down (default ${DEFAULT-VALUE}); all are counted.")
  private long maxDiffs;

  @Option(
      names = "--bound-factor",
      paramLabel = "F",
      description = "With --by dense: how far a value may be off, in bounds (default 1).")
  private Double boundFactor;

  @Option(
      names = "--report",
      arity = "1..*",
      paramLabel = "DIR",
      description =
          "Take no steps, and report these folders: divergences.jsonl of a run, or every .jsonl.")
  private List<Path> report;

  @Option(
      names = "--top",
      paramLabel = "K",
      description = "With --report: the worst calls that are shown (default 10).")
  private Integer top;

  @Option(
      names = "--allow-missing",
      description = "With --report: a folder without such files is noted, and is no error.")
  private boolean allowMissing;

  @Mixin private StackOptions stackOptions;
  @Mixin private RuntimeOptions runtimeOptions;
  @Mixin private OutDirOptions outDir;
  @Mixin private GateOptions gateOptions;

  @Mixin(name = "output")
  private OutputOptions output;

  @Spec private CommandSpec spec;

  private final ResultDocument result = new ResultDocument("shadow");
  private final Map<String, Object> json = result.json();

  @Override
  public Integer call() throws Exception {
    check();
    if (report != null) {
      return report();
    }
    by = by.toLowerCase(Locale.ROOT);
    try (TemporaryFolder spare =
        outDir.folder() == null ? new TemporaryFolder("ternary-shadow") : null) {
      Path folder = spare == null ? outDir.folder().path() : spare.path();
      return run(new ShadowRun(folder.resolve(DivergenceFile.NAME), every, maxDiffs), folder);
    }
  }

  private void check() throws IOException {
    require(
        !by.isBlank(), "--by", "empty", "oracle, an instruction set, cpu, cuda, cuda:N or dense");
    require(every >= 1, "--every", every, "at least 1");
    require(steps >= 1 && steps <= MOST_STEPS, "--steps", steps, "1 to " + MOST_STEPS);
    require(maxDiffs >= 0, "--max-diffs", maxDiffs, "at least 0");
    require(top == null || report != null, "--top", top, "beside --report");
    require(top == null || top >= 1, "--top", top, "at least 1");
    require(!allowMissing || report != null, "--allow-missing", "set", "beside --report");
    stackOptions.check();
    boolean dense = by.equalsIgnoreCase(DenseShadow.NAME);
    require(boundFactor == null || dense, "--bound-factor", boundFactor, "beside --by dense");
    require(
        boundFactor == null || boundFactor >= 0 && boundFactor <= 1e6,
        "--bound-factor",
        boundFactor,
        "0 to 1e6");
    require(
        !dense || !stackOptions.ofModel(), "--by", by, "another with --model: dense is of shapes");
    for (int m : rows) {
      require(
          m >= 1 && m <= stackOptions.batch(),
          "--m",
          m,
          "1 to " + stackOptions.batch() + ", which is --batch");
    }
    if (report == null && !stackOptions.ofModel()) {
      stackOptions.shapes(); // a file that cannot serve is told before the folder is begun
      stackOptions.blocks();
    }
  }

  private void require(boolean valid, String option, Object value, String rule) {
    RuntimeOptions.require(valid, spec.commandLine(), option, value, rule);
  }

  private int run(ShadowRun run, Path folder) throws IOException {
    boolean dense = by.equals(DenseShadow.NAME);
    Gates gates;
    int known;
    // Before the runtime is made: it adds to the file, in which a run that was cut off has left
    // some.
    try (TernaryRuntime plain = runtimeOptions.open()) {
      Map<String, Object> environment = new Machine().environment(plain);
      json.put("environment", environment);
      gates = gateOptions.open(environment, "different", List.of("by"));
      known = outDir.begin(environment).size();
    }
    Path file = folder.resolve(DivergenceFile.NAME);
    Files.deleteIfExists(file);
    TernaryRuntime.Builder builder = runtimeOptions.builder(runtimeOptions.isa);
    try (TernaryRuntime runtime = build(dense ? builder.shadow("") : run.by(builder, by))) {
      ProductWatch watch =
          dense ? run.dense(runtime, boundFactor == null ? 1 : boundFactor) : ProductWatch.NONE;
      try (Stack stack = stackOptions.openOnHost(runtime, watch);
          Progress progress = Screen.of(spec).progress("shadow, steps", steps)) {
        run.steps(stack, rows, steps, progress);
      }
      json.put("by", by);
      json.put("every", every);
      json.put("steps", steps);
      json.putAll(run.counts(runtime, dense ? expertLayers() : 0));
      json.put("shadow_error", ShadowRun.error(runtime));
      json.put("path_counts", runtime.pathCounts());
    }
    List<Divergence> found = DivergenceFile.read(file).rows();
    int exitCode = 0;
    try {
      exitCode = gates.check(List.of(totals(found)), json);
    } finally {
      finish(found, known);
    }
    boolean same = count("sampled") > 0 && count("different") == 0 && count("failed") == 0;
    return same ? exitCode : 1;
  }

  /** The one row that gates are for: what all calls come to. */
  private Map<String, Object> totals(List<Divergence> found) {
    Map<String, Object> row = new LinkedHashMap<>();
    row.put("by", by);
    for (String name : List.of("sampled", "unsampled", "different", "failed")) {
      row.put(name, json.get(name));
    }
    for (String name : List.of("max_abs", "max_rel")) {
      row.put(
          name,
          found.stream()
              .map(one -> one.json().get(name))
              .mapToDouble(
                  value -> value instanceof Number n ? n.doubleValue() : Double.POSITIVE_INFINITY)
              .max()
              .orElse(0));
    }
    return row;
  }

  private TernaryRuntime build(TernaryRuntime.Builder builder) {
    try {
      return builder.build();
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), e.getMessage(), e);
    }
  }

  private int expertLayers() throws IOException {
    return stackOptions.shapes().stream().map(Shape::name).anyMatch(ShadowRun::isOfExperts)
        ? stackOptions.blocks()
        : 0;
  }

  private long count(String name) {
    return (Long) json.get(name);
  }

  /**
   * @param known rows that a run which is gone on with has told already
   */
  private void finish(List<Divergence> found, int known) throws IOException {
    DivergenceTable table = new DivergenceTable(found);
    for (Divergence row : found.subList(Math.min(known, found.size()), found.size())) {
      outDir.add(row.json());
    }
    Screen screen = Screen.of(spec);
    String text = table.printGroups(screen);
    String end =
        by
            + " computed "
            + count("sampled")
            + " calls again: "
            + count("different")
            + " differ, "
            + count("failed")
            + " failed; not sampled: "
            + count("unsampled");
    screen.line(end);
    if (count("failed") > 0) {
      screen.line("The first that failed: " + json.get("shadow_error"));
    }
    if (count("sampled") == 0) {
      screen.line("Nothing was compared.");
    }
    json.put("groups", table.groups());
    found.forEach(row -> result.rows().add(row.json()));
    end(table.groups(), text + end + "\n");
  }

  private int report() throws IOException {
    ShadowReport found = new ShadowReport();
    for (Path folder : report) {
      if (!found.add(folder)) {
        require(allowMissing, "--report", folder, "a folder with .jsonl files of divergences");
        spec.commandLine().getErr().println(folder + " has no divergences.jsonl; it is left out");
      }
    }
    if (outDir.folder() != null) {
      try (TernaryRuntime runtime = runtimeOptions.open()) {
        outDir.begin(new Machine().environment(runtime));
      }
    }
    Screen screen = Screen.of(spec);
    String text = found.print(screen, spec.commandLine().getErr(), top == null ? 10 : top, result);
    end(found.groups(), text);
    return found.clean() ? 0 : 1;
  }

  private void end(List<Map<String, Object>> groups, String text) throws IOException {
    result.update(true);
    outDir.write(DivergenceTable.COLUMNS, groups, text, json);
    output.write(json);
  }
}
