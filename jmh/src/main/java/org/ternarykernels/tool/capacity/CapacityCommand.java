package org.ternarykernels.tool.capacity;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.tool.gate.GateOptions;
import org.ternarykernels.tool.gate.Gates;
import org.ternarykernels.tool.load.Clock;
import org.ternarykernels.tool.load.FirstSteps;
import org.ternarykernels.tool.load.LoadOptions;
import org.ternarykernels.tool.load.LoadResult;
import org.ternarykernels.tool.load.UserLoad;
import org.ternarykernels.tool.measure.DeviceClock;
import org.ternarykernels.tool.measure.GpuMeter;
import org.ternarykernels.tool.measure.Machine;
import org.ternarykernels.tool.options.OutDirOptions;
import org.ternarykernels.tool.options.OutputOptions;
import org.ternarykernels.tool.options.RuntimeOptions;
import org.ternarykernels.tool.output.ResultDocument;
import org.ternarykernels.tool.output.Screen;
import org.ternarykernels.tool.output.TextTable;
import org.ternarykernels.tool.stack.Stack;
import org.ternarykernels.tool.stack.StackOptions;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** The command; the engine is {@link UserLoad}. */
@Command(
    name = "capacity",
    description =
        "The largest number of users for whom the first token and each further one come in time,"
            + " with none refused and room for their KV caches: of the ternary layers, and of the"
            + " same layers dense. A dense step takes the time that oneDNN's products have been"
            + " measured to take.",
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "JSON: date, command, complete, seconds, environment {...}, limits {ttft_ms, itl_ms},"
          + " largest_users {ternary, dense (null: not measured)}, dense (why it was not measured),"
          + " rows [{kind (ternary, dense), users, ttft_p95_ns, itl_p95_ns, failed, cut,"
          + " tokens_per_second, kv_tokens, kv_bytes (of one user), memory_left_bytes (after"
          + " weights; null: not known), kv_ok, meets}], "
          + GateOptions.FIELDS
          + ".",
      "Exit code 1 if the ternary layers do not carry one user, or a gate failed."
    })
public final class CapacityCommand implements Callable<Integer> {
  private static final int MOST_USERS = 4096;
  private static final double MOST_MILLIS = 1e6;
  private static final String TERNARY = "ternary";
  private static final String DENSE = "dense";
  private static final List<String> COLUMNS =
      List.of(
          "kind",
          "users",
          "ttft_p95_ns",
          "itl_p95_ns",
          "failed",
          "cut",
          "tokens_per_second",
          "kv_tokens",
          "kv_bytes",
          "memory_left_bytes",
          "kv_ok",
          "meets");

  @Option(
      names = "--ttft-ms",
      paramLabel = "MS",
      required = true,
      description = "95 of 100 first tokens must come within this time.")
  private double ttftMillis;

  @Option(
      names = "--itl-ms",
      paramLabel = "MS",
      required = true,
      description = "95 of 100 further tokens must come within this time after the one before.")
  private double itlMillis;

  @Option(
      names = "--most-users",
      paramLabel = "N",
      defaultValue = "64",
      description = "Users that are tried at most (default ${DEFAULT-VALUE}).")
  private int mostUsers;

  @Mixin private LoadOptions loadOptions;
  @Mixin private StackOptions stackOptions;
  @Mixin private RuntimeOptions runtimeOptions;
  @Mixin private OutDirOptions outDir;
  @Mixin private GateOptions gateOptions;

  @Mixin(name = "output")
  private OutputOptions output;

  @Spec private CommandSpec spec;

  private final ResultDocument result = new ResultDocument("capacity");
  private final Map<String, Object> json = result.json();
  private final List<Map<String, Object>> rows = result.rows();
  private TextTable table;

  @Override
  public Integer call() throws Exception {
    check();
    Map<String, Object> largest = new LinkedHashMap<>();
    try (TernaryRuntime runtime = runtimeOptions.open()) {
      Map<String, Object> environment = new Machine().environment(runtime);
      json.put("environment", environment);
      Gates gates = gateOptions.open(environment, "ttft_p95_ns", List.of("kind", "users"));
      json.put("limits", Map.of("ttft_ms", ttftMillis, "itl_ms", itlMillis));
      rows.addAll(outDir.begin(environment));
      boolean timed = DeviceClock.tellsTime(runtime.device());
      head(timed);
      try (Stack stack = stackOptions.open(runtime)) {
        new FirstSteps(stack, Clock.SYSTEM).warmUp(loadOptions.warmup());
        Long left = memoryLeft(runtime);
        largest.put(TERNARY, search(TERNARY, stack, Clock.SYSTEM, left, timed));
        largest.put(DENSE, dense(runtime, stack, left));
      }
      table.end();
      int exitCode = 0;
      try {
        exitCode = gates.check(rows, json);
      } finally {
        finish(largest);
        output.write(json);
      }
      return Integer.valueOf(0).equals(largest.get(TERNARY)) ? 1 : exitCode;
    }
  }

  private void check() {
    RuntimeOptions.require(
        ttftMillis > 0 && ttftMillis <= MOST_MILLIS,
        spec.commandLine(),
        "--ttft-ms",
        ttftMillis,
        "above 0");
    RuntimeOptions.require(
        itlMillis > 0 && itlMillis <= MOST_MILLIS,
        spec.commandLine(),
        "--itl-ms",
        itlMillis,
        "above 0");
    RuntimeOptions.require(
        mostUsers >= 1 && mostUsers <= MOST_USERS,
        spec.commandLine(),
        "--most-users",
        mostUsers,
        "1 to " + MOST_USERS);
    loadOptions.check();
    stackOptions.check();
  }

  /** Bytes that are free once the ternary weights are loaded; null if nobody says. */
  private static Long memoryLeft(TernaryRuntime runtime) throws IOException {
    if (!runtime.device().isCuda()) {
      return Machine.availableMemory();
    }
    Long used = GpuMeter.of(runtime.device()).memoryBytes();
    long all = new ObjectMapper().readTree(runtime.infoJson()).at("/cuda/memory_bytes").asLong();
    return used == null ? null : all - used;
  }

  /** The same search with dense layers; null, and why, where they cannot be measured. */
  private Integer dense(TernaryRuntime runtime, Stack stack, Long left) throws IOException {
    String why = "";
    if (runtime.device().isCuda()) {
      why = "the tool has dense layers on the CPU alone";
    } else if (stack.sizes().experts() > 0) {
      why = "dense layers of experts are not measured";
    } else {
      DenseTimes times = new DenseTimes(stackOptions.shapes(), stack.sizes().layers());
      int threads = (Integer) environment().get("threads");
      Map<Integer, Double> nanos = times.measure(threads, stack.mostRows());
      if (!nanos.isEmpty()) {
        DenseStack dense = new DenseStack(stack, times.weightBytes(), nanos);
        long rest = left + stack.weightBytes() - dense.weightBytes();
        return search(DENSE, dense, dense, rest, true);
      }
      why = "there is no oneDNN here";
    }
    json.put(DENSE, why);
    Screen.of(spec).line("dense: " + why);
    return null;
  }

  @SuppressWarnings("unchecked")
  private Map<String, Object> environment() {
    return (Map<String, Object>) json.get("environment");
  }

  private int search(String kind, Stack stack, Clock clock, Long left, boolean timed)
      throws IOException {
    return CapacitySearch.largest(
        mostUsers, users -> measured(kind, stack, clock, left, timed, users));
  }

  /** Whether so many users are served in time: of an earlier run, or measured now. */
  private boolean measured(
      String kind, Stack stack, Clock clock, Long left, boolean timed, int users)
      throws IOException {
    for (Map<String, Object> row : rows) {
      if (kind.equals(row.get("kind")) && Integer.valueOf(users).equals(row.get("users"))) {
        line(row);
        return Boolean.TRUE.equals(row.get("meets"));
      }
    }
    LoadResult served = new UserLoad(stack, clock, loadOptions.plan(users, 0)).run();
    Map<String, Object> row = row(kind, stack, left, timed, users, served);
    rows.add(row);
    outDir.add(row);
    line(row);
    return Boolean.TRUE.equals(row.get("meets"));
  }

  private Map<String, Object> row(
      String kind, Stack stack, Long left, boolean timed, int users, LoadResult served) {
    long kvTokens = loadOptions.longestText();
    long kvBytes = kvTokens * stack.sizes().kvBytesOfToken();
    boolean fits = left == null || users * kvBytes <= left;
    Map<String, Object> load = served.row(timed);
    Map<String, Object> row = new LinkedHashMap<>();
    row.put("kind", kind);
    row.put("users", users);
    for (String name : List.of("ttft_p95_ns", "itl_p95_ns", "failed", "cut", "tokens_per_second")) {
      row.put(name, load.get(name));
    }
    row.put("kv_tokens", kvTokens);
    row.put("kv_bytes", kvBytes);
    row.put("memory_left_bytes", left);
    row.put("kv_ok", fits);
    row.put(
        "meets",
        served.failed() == 0
            && !served.isCut()
            && fits
            && within(load.get("ttft_p95_ns"), ttftMillis)
            && within(load.get("itl_p95_ns"), itlMillis));
    return row;
  }

  /** Null is within: one token has none after it, and the software GPU has no times. */
  private static boolean within(Object nanos, double millis) {
    return nanos == null || ((Number) nanos).doubleValue() <= millis * 1e6;
  }

  private void head(boolean timed) {
    Screen screen = Screen.of(spec);
    if (!timed) {
      screen.line(DeviceClock.NO_TIMES);
    }
    table =
        screen
            .table()
            .left("kind", 7)
            .right("users", 5)
            .left("meets", 5)
            .right("ttft95 ms", 10)
            .right("itl95 ms", 9)
            .right("tok/s", 9)
            .left("kv_ok", 5)
            .right("kv MB", 9)
            .right("failed", 6);
    table.head();
  }

  private void line(Map<String, Object> row) {
    table.row(
        row.get("kind"),
        row.get("users"),
        Boolean.TRUE.equals(row.get("meets")) ? "yes" : "no",
        TextTable.number("%.2f", row.get("ttft_p95_ns"), 1e6),
        TextTable.number("%.2f", row.get("itl_p95_ns"), 1e6),
        TextTable.number("%.1f", row.get("tokens_per_second"), 1),
        Boolean.TRUE.equals(row.get("kv_ok")) ? "yes" : "no",
        TextTable.number("%.1f", row.get("kv_bytes"), 1e6),
        row.get("failed"));
  }

  private void finish(Map<String, Object> largest) throws IOException {
    Screen.of(spec)
        .line(
            "largest: ternary "
                + largest.get(TERNARY)
                + " users, dense "
                + (largest.get(DENSE) == null ? "not measured" : largest.get(DENSE) + " users")
                + ", of "
                + mostUsers
                + " tried");
    json.put("largest_users", largest);
    result.update(true);
    outDir.write(COLUMNS, rows, table.text(), json);
  }
}
