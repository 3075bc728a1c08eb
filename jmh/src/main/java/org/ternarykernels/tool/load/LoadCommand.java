package org.ternarykernels.tool.load;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.tool.gate.GateOptions;
import org.ternarykernels.tool.gate.Gates;
import org.ternarykernels.tool.measure.DeviceClock;
import org.ternarykernels.tool.measure.GpuMeter;
import org.ternarykernels.tool.measure.Machine;
import org.ternarykernels.tool.options.OutDirOptions;
import org.ternarykernels.tool.options.OutputOptions;
import org.ternarykernels.tool.options.RuntimeOptions;
import org.ternarykernels.tool.output.Progress;
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
    name = "load",
    description =
        "Users whose texts go through a stack of layers together, as a server batches them: how"
            + " long a step, the first token and a whole answer take, and how many tokens a second"
            + " there are. Latencies count from the moment when a request was meant to arrive.",
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "JSON: date, command, complete, seconds, environment {...}, stack {name, layers,"
          + " weight_bytes, batch, kv_bytes_of_token}, init_seconds, warmup_seconds, m1 {p50_ns,"
          + " p95_ns, p99_ns, tokens_per_second, steps: of single rows}, rows [{"
          + LoadCommand.FIELDS
          + "}], plans {...}, path_counts, fallback_counts, expert_rows [rows that each expert has"
          + " served], "
          + GateOptions.FIELDS
          + ". --out-dir also has samples.jsonl: seconds, users, cpu_percent,"
          + " memory_bytes, gpu_memory_bytes, gpu_watts, queue_depth.",
      "Exit code 1 if a request or a gate failed."
    })
public final class LoadCommand implements Callable<Integer> {
  /** Of a row. */
  static final String FIELDS =
      "users, mode (closed, open), rate, hold, requests, failed, success_rate, seconds,"
          + " step_p50_ns, step_p95_ns, step_p99_ns, ttft_... (first token), itl_... (between"
          + " tokens), e2e_... (whole answer), tokens_per_second, requests_per_second,"
          + " queue_depth_mean, queue_depth_max, rows_mean (of a step), steps, cut (the time ended"
          + " first), why (of the last failure)";

  private static final int MOST_USERS = 4096;

  /** What a row is of. */
  private static final List<String> IDENTITY = List.of("users", "mode", "rate", "hold");

  private static final List<String> COLUMNS =
      List.of(
          "users",
          "mode",
          "requests",
          "failed",
          "tokens_per_second",
          "step_p50_ns",
          "step_p95_ns",
          "ttft_p50_ns",
          "ttft_p95_ns",
          "itl_p50_ns",
          "itl_p95_ns",
          "e2e_p50_ns",
          "e2e_p95_ns",
          "requests_per_second",
          "queue_depth_mean",
          "queue_depth_max",
          "rows_mean",
          "cut");

  @Option(
      names = "--users",
      paramLabel = "LIST",
      split = ",",
      defaultValue = "1,2,4,8,16,32",
      description = "Texts in work at once, a row each (default ${DEFAULT-VALUE}).")
  private List<Integer> users;

  @Option(
      names = "--rate",
      paramLabel = "R",
      description =
          "Requests a second, which arrive whether or not those before are answered (default: a"
              + " user sends the next when the last is answered).")
  private Double rate;

  @Mixin private LoadOptions loadOptions;
  @Mixin private StackOptions stackOptions;
  @Mixin private RuntimeOptions runtimeOptions;
  @Mixin private OutDirOptions outDir;
  @Mixin private GateOptions gateOptions;

  @Mixin(name = "output")
  private OutputOptions output;

  @Spec private CommandSpec spec;

  private final ResultDocument result = new ResultDocument("load");
  private final Map<String, Object> json = result.json();
  private final List<Map<String, Object>> rows = result.rows();
  private int exitCode;

  @Override
  public Integer call() throws Exception {
    check();
    try (TernaryRuntime runtime = runtimeOptions.open()) {
      Map<String, Object> environment = new Machine().environment(runtime);
      json.put("environment", environment);
      Gates gates = gateOptions.open(environment, "tokens_per_second", IDENTITY);
      rows.addAll(outDir.begin(environment));
      long initBegin = System.nanoTime();
      try (Stack stack = stackOptions.open(runtime)) {
        json.put("init_seconds", (System.nanoTime() - initBegin) / 1e9);
        measure(runtime, stack, gates);
      }
    }
    output.write(json);
    boolean served = rows.stream().allMatch(row -> Integer.valueOf(0).equals(row.get("failed")));
    return served ? exitCode : 1;
  }

  private void check() {
    for (int count : users) {
      RuntimeOptions.require(
          count >= 1 && count <= MOST_USERS,
          spec.commandLine(),
          "--users",
          count,
          "1 to " + MOST_USERS);
    }
    RuntimeOptions.require(
        rate == null || rate > 0 && rate <= 1e6, spec.commandLine(), "--rate", rate, "above 0");
    loadOptions.check();
    stackOptions.check();
  }

  private void measure(TernaryRuntime runtime, Stack stack, Gates gates) throws IOException {
    boolean timed = DeviceClock.tellsTime(runtime.device());
    json.put("stack", stackJson(stack));
    FirstSteps first = new FirstSteps(stack, Clock.SYSTEM);
    long warmBegin = System.nanoTime();
    first.warmUp(loadOptions.warmup());
    json.put("warmup_seconds", (System.nanoTime() - warmBegin) / 1e9);
    json.put("m1", first.measure(timed));
    Screen screen = Screen.of(spec);
    if (!timed) {
      screen.line(DeviceClock.NO_TIMES);
    }
    TextTable table = head(screen);
    rows.forEach(row -> line(table, row));
    try (Progress progress = screen.progress("load, rows", users.size())) {
      GpuMeter gpu = GpuMeter.of(runtime.device());
      for (int count : users) {
        if (rows.stream().anyMatch(row -> Integer.valueOf(count).equals(row.get("users")))) {
          continue; // of the run that is gone on with
        }
        progress.at(rows.size(), "now " + count + " users");
        UserLoad load =
            new UserLoad(stack, Clock.SYSTEM, loadOptions.plan(count, rate == null ? 0 : rate));
        Map<String, Object> row;
        try (ResourceSamples samples =
            new ResourceSamples(outDir.folder(), gpu, count, load::queueDepth)) {
          row = load.run().row(timed);
        }
        rows.add(row);
        outDir.add(row);
        line(table, row);
        finish(runtime, stack, table, rows.size() == users.size());
      }
    }
    table.end();
    try {
      exitCode = gates.check(rows, json);
    } finally {
      finish(runtime, stack, table, true);
    }
  }

  private static Map<String, Object> stackJson(Stack stack) {
    Map<String, Object> sizes = new LinkedHashMap<>();
    sizes.put("name", stack.name());
    sizes.put("layers", stack.sizes().layers());
    sizes.put("weight_bytes", stack.weightBytes());
    sizes.put("batch", stack.mostRows());
    sizes.put("kv_bytes_of_token", stack.sizes().kvBytesOfToken());
    return sizes;
  }

  /** Writes what there is of the result. */
  private void finish(TernaryRuntime runtime, Stack stack, TextTable table, boolean complete)
      throws IOException {
    result.update(complete);
    json.put("plans", new ObjectMapper().readValue(runtime.plansJson(), Map.class));
    json.put("path_counts", runtime.pathCounts());
    json.put("fallback_counts", runtime.fallbackCounts());
    json.put("expert_rows", stack.expertRows());
    outDir.write(COLUMNS, rows, table.text(), json);
    output.writeSoFar(json);
  }

  private static TextTable head(Screen screen) {
    TextTable table =
        screen
            .table()
            .right("users", 5)
            .right("tok/s", 9)
            .right("step ms", 9)
            .right("p95", 9)
            .right("ttft ms", 9)
            .right("p95", 9)
            .right("failed", 6)
            .right("queue", 6)
            .right("e2e ms", 9)
            .right("p95", 9)
            .right("req/s", 8)
            .right("rows", 6);
    table.head();
    return table;
  }

  private static void line(TextTable table, Map<String, Object> row) {
    table.row(
        row.get("users"),
        TextTable.number("%.1f", row.get("tokens_per_second"), 1),
        TextTable.number("%.3f", row.get("step_p50_ns"), 1e6),
        TextTable.number("%.3f", row.get("step_p95_ns"), 1e6),
        TextTable.number("%.2f", row.get("ttft_p50_ns"), 1e6),
        TextTable.number("%.2f", row.get("ttft_p95_ns"), 1e6),
        row.get("failed"),
        TextTable.number("%.1f", row.get("queue_depth_mean"), 1),
        TextTable.number("%.2f", row.get("e2e_p50_ns"), 1e6),
        TextTable.number("%.2f", row.get("e2e_p95_ns"), 1e6),
        TextTable.number("%.2f", row.get("requests_per_second"), 1),
        TextTable.number("%.1f", row.get("rows_mean"), 1));
  }
}
