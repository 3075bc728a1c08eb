package org.ternarykernels.tool.sweep;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.tool.load.LoadOptions;
import org.ternarykernels.tool.measure.Machine;
import org.ternarykernels.tool.options.OutDirOptions;
import org.ternarykernels.tool.options.OutputOptions;
import org.ternarykernels.tool.options.RuntimeOptions;
import org.ternarykernels.tool.output.OutputFile;
import org.ternarykernels.tool.output.Progress;
import org.ternarykernels.tool.output.ResultDocument;
import org.ternarykernels.tool.output.Screen;
import org.ternarykernels.tool.output.TextTable;
import org.ternarykernels.tool.problem.TemporaryFolder;
import org.ternarykernels.tool.stack.StackOptions;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** The command; {@link Sweep} does it. */
@Command(
    name = "sweep",
    description =
        "Run the load under profiles of settings, a process each, in rounds of shuffled order. A"
            + " profile that does what the baseline does (kernels, splits, chunks, threads,"
            + " launches, calls by each) has no effect, whatever its times say.",
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "JSON: date, command, complete, seconds, environment {...}, profiles [{name, purpose,"
          + " expected, env, options}], rows [{"
          + SweepRow.FIELDS
          + "}], summary [{profile, "
          + "the metrics' medians, failed, effect, better, decode_ratio, decode_low, decode_high,"
          + " throughput_ratio, throughput_low, throughput_high}].",
      "With --dry-run rows [{id, profile, round, seconds_at_most, note}], and those of profiles"
          + " that cannot be run.",
      "m1: one row alone. c1, c16, cmax: so many users, and the largest level that ran.",
      "--out-dir also has logs and results of every process.",
      "Exit code 1 if a profile failed."
    })
public final class SweepCommand implements Callable<Integer> {
  private static final int FEWEST_ROUNDS = 3;
  private static final int MOST_ROUNDS = 100;

  /** What a process takes beside its measurements. */
  private static final int SECONDS_BESIDE = 300;

  /** Options of this command that {@code load} has too. */
  private static final Set<String> OF_LOAD =
      Set.of(
          "--users",
          "--rate",
          "--shapes",
          "--sizes",
          "--model",
          "--layers",
          "--layout",
          "--activation",
          "--batch",
          "--mix",
          "--tokens",
          "--requests",
          "--seconds",
          "--warmup",
          "--seed",
          "--isa",
          "--threads",
          "--device");

  @Option(
      names = "--profiles",
      paramLabel = "FILE",
      description =
          "YAML beside the built-in profiles: profiles: [{name, purpose, expected, env: {KNOB:"
              + " value or list}, options: {layout, activation, batch}}]. Lists make a grid.")
  private Path profileFile;

  @Option(
      names = "--only",
      paramLabel = "NAMES",
      split = ",",
      description = "These profiles, and the baseline (default: all).")
  private List<String> only = List.of();

  @Option(
      names = "--rounds",
      paramLabel = "N",
      defaultValue = "3",
      description = "Rounds, three at least (default ${DEFAULT-VALUE}).")
  private int rounds;

  @Option(
      names = "--users",
      paramLabel = "LIST",
      split = ",",
      defaultValue = "1,16,32",
      description = "Levels of load (default ${DEFAULT-VALUE}); all users begin at once.")
  private List<Integer> users;

  @Option(names = "--rate", paramLabel = "R", description = "As of load.")
  private Double rate;

  @Option(
      names = "--dry-run",
      description = "List the runs with their cost and what is missing; run nothing.")
  private boolean dryRun;

  @Option(
      names = "--failed-only",
      description = "With --resume: run again what failed, and nothing else.")
  private boolean failedOnly;

  @Option(
      names = "--keep-pareto",
      paramLabel = "FILE",
      converter = OutputFile.FromText.class,
      description =
          "Write a settings file of what is better in both decode p50 and throughput;"
              + " TERNARY_SETTINGS or the property ternary.settings loads it.")
  private OutputFile keepPareto;

  @Mixin private LoadOptions loadOptions;
  @Mixin private StackOptions stackOptions;
  @Mixin private RuntimeOptions runtimeOptions;
  @Mixin private OutDirOptions outDir;

  @Mixin(name = "output")
  private OutputOptions output;

  @Spec private CommandSpec spec;

  private final ResultDocument result = new ResultDocument("sweep");
  private final Map<String, Object> json = result.json();

  @Override
  public Integer call() throws Exception {
    check();
    Map<String, Object> environment;
    SweepMachine machine;
    try (TernaryRuntime runtime = runtimeOptions.open()) {
      environment = new Machine().environment(runtime);
      machine = SweepMachine.of(runtime);
    }
    json.put("environment", environment);
    List<Profile> profiles = profiles(machine);
    json.put("profiles", profiles.stream().map(Profile::json).toList());
    List<Profile> able = new ArrayList<>();
    List<SweepRow> missing = new ArrayList<>();
    for (Profile profile : profiles) {
      String why = missing(profile, machine);
      if (why.isEmpty()) {
        able.add(profile);
      } else {
        missing.add(SweepRow.missing(profile, why));
      }
    }
    List<PlannedRun> runs = PlannedRun.shuffled(able, rounds, seed());
    if (dryRun) {
      list(runs, missing, machine);
      return 0;
    }
    List<SweepRow> earlier = outDir.begin(environment).stream().map(SweepRow::of).toList();
    if (earlier.isEmpty()) {
      for (SweepRow row : missing) {
        outDir.add(row.json());
      }
    }
    try (TemporaryFolder temporary = new TemporaryFolder("ternary-sweep")) {
      Path folder = outDir.folder() == null ? temporary.path() : outDir.folder().path();
      Sweep sweep = new Sweep(able, runs, new LoadProcess(folder, arguments(), limitSeconds()));
      sweep.resume(earlier, failedOnly);
      run(sweep, missing);
      keep(sweep, environment);
      return sweep.summaries().stream().anyMatch(summary -> summary.failed() > 0) ? 1 : 0;
    }
  }

  private void check() {
    CommandLine line = spec.commandLine();
    RuntimeOptions.require(
        rounds >= FEWEST_ROUNDS && rounds <= MOST_ROUNDS,
        line,
        "--rounds",
        rounds,
        FEWEST_ROUNDS + " to " + MOST_ROUNDS);
    RuntimeOptions.require(
        !failedOnly || outDir.resumes(), line, "--failed-only", "set", "beside --resume");
    for (int count : users) {
      RuntimeOptions.require(count >= 1, line, "--users", count, "at least 1");
    }
    RuntimeOptions.require(rate == null || rate > 0, line, "--rate", rate, "above 0");
    loadOptions.check();
    stackOptions.check();
  }

  /** Those that were asked for, checked; a file's faults are a wrong call. */
  private List<Profile> profiles(SweepMachine machine) throws IOException {
    try {
      List<Profile> all = new ArrayList<>(ProfileFile.builtIn(machine));
      if (profileFile != null) {
        String text = Files.readString(profileFile);
        for (Profile profile : ProfileFile.parse(profileFile.toString(), text, machine)) {
          if (all.stream().anyMatch(known -> known.name().equalsIgnoreCase(profile.name()))) {
            throw new IllegalArgumentException(
                profileFile + ": the name " + profile.name() + " is a built-in profile's");
          }
          all.add(profile);
        }
      }
      for (String name : only) {
        if (all.stream().noneMatch(profile -> profile.name().equalsIgnoreCase(name))) {
          throw new IllegalArgumentException(
              "--only is "
                  + name
                  + ", must be one of "
                  + String.join(", ", all.stream().map(Profile::name).toList()));
        }
      }
      List<Profile> chosen =
          all.stream().filter(one -> only.isEmpty() || one.isBaseline() || isWanted(one)).toList();
      chosen.forEach(ProfileCheck::values);
      return chosen;
    } catch (IllegalArgumentException | NoSuchFileException e) {
      String what = e instanceof NoSuchFileException ? "no such file: " : "";
      throw new CommandLine.ParameterException(spec.commandLine(), what + e.getMessage(), e);
    }
  }

  private boolean isWanted(Profile profile) {
    return only.stream().anyMatch(profile.name()::equalsIgnoreCase);
  }

  private String missing(Profile profile, SweepMachine machine) {
    boolean model = spec.commandLine().getParseResult().hasMatchedOption("--model");
    return ProfileCheck.missing(profile, machine, model);
  }

  private long seed() {
    return spec.findOption("--seed").getValue();
  }

  /**
   * The options of {@code load} as they were given here. All users begin at once, for then every
   * profile makes the same steps.
   */
  private List<String> arguments() {
    List<String> words = new ArrayList<>();
    for (OptionSpec option : spec.commandLine().getParseResult().matchedOptions()) {
      if (OF_LOAD.contains(option.longestName()) && !option.longestName().equals("--users")) {
        words.add(option.longestName());
        words.add(String.join(",", option.originalStringValues()));
      }
    }
    words.add("--users");
    words.add(String.join(",", users.stream().map(String::valueOf).toList()));
    words.add("--hold");
    return words;
  }

  private long limitSeconds() {
    double row = spec.findOption("--seconds").<Double>getValue();
    return (long) (SECONDS_BESIDE + row * users.size());
  }

  /** Says what would be run, in the order in which it would be. */
  private void list(List<PlannedRun> runs, List<SweepRow> missing, SweepMachine machine)
      throws IOException {
    Screen screen = Screen.of(spec);
    TextTable table = screen.table().left("run", 24).right("s", 5).left("note", 47);
    double seconds = users.size() * spec.findOption("--seconds").<Double>getValue();
    for (PlannedRun run : runs) {
      String idle = ProfileCheck.idle(run.profile(), machine);
      Map<String, Object> planned = new LinkedHashMap<>();
      planned.put("id", run.id());
      planned.put("profile", run.profile().name());
      planned.put("round", run.round());
      planned.put("seconds_at_most", seconds);
      planned.put("note", idle.isEmpty() ? run.profile().purpose() : idle);
      result.rows().add(planned);
      table.row(run.id(), "<" + Math.round(seconds), planned.get("note"));
    }
    for (SweepRow row : missing) {
      table.row(row.profile(), 0, "missing: " + row.why());
      result.rows().add(row.json());
    }
    table.end();
    screen.line(runs.size() + " runs; what needs a GPU changes nothing here, and would be seen to");
    result.update(true);
    output.write(json);
  }

  private void run(Sweep sweep, List<SweepRow> missing) throws IOException {
    Screen screen = Screen.of(spec);
    List<PlannedRun> left = sweep.left();
    try (Progress progress = screen.progress("sweep, runs", left.size())) {
      for (int i = 0; i < left.size(); i++) {
        PlannedRun next = left.get(i);
        int done = i;
        Runnable tick = () -> progress.at(done, "now " + next.id());
        tick.run();
        sweep.run(next, tick, row -> outDir.add(row.json()));
        write(sweep, missing, "", false);
      }
    }
    missing.forEach(row -> screen.line(row.profile() + " was not run: " + row.why()));
    TextTable table = SummaryTable.print(screen, sweep.summaries());
    write(sweep, missing, table.text(), true);
    output.write(json);
  }

  private void write(Sweep sweep, List<SweepRow> missing, String text, boolean complete)
      throws IOException {
    result.rows().clear(); // what is known of a row's effect may have changed
    sweep.rows().forEach(row -> result.rows().add(row.json()));
    missing.forEach(row -> result.rows().add(row.json()));
    result.update(complete);
    List<Map<String, Object>> summary = sweep.summaries().stream().map(SummaryTable::json).toList();
    json.put("summary", summary);
    outDir.write(SummaryTable.COLUMNS, summary, text, json);
  }

  private void keep(Sweep sweep, Map<String, Object> environment) throws IOException {
    if (keepPareto == null) {
      return;
    }
    String text =
        SettingsText.of(
            sweep.summaries(),
            String.valueOf(environment.get("cpu_model")),
            json.get("date").toString());
    keepPareto.write(stream -> stream.write(text.getBytes(StandardCharsets.UTF_8)));
    Screen.of(spec)
        .line(
            SettingsText.best(sweep.summaries())
                .map(best -> "kept " + best.profile().name() + " in " + keepPareto)
                .orElse("no profile is better in both; " + keepPareto + " has comments alone"));
  }
}
