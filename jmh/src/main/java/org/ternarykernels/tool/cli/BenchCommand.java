package org.ternarykernels.tool.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.ternarykernels.Isa;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.tool.bench.BenchCase;
import org.ternarykernels.tool.bench.BenchPlan;
import org.ternarykernels.tool.bench.BenchRow;
import org.ternarykernels.tool.bench.BenchTable;
import org.ternarykernels.tool.bench.BenchTrial;
import org.ternarykernels.tool.bench.GpuBench;
import org.ternarykernels.tool.bench.GpuExpertBench;
import org.ternarykernels.tool.bench.MoeBench;
import org.ternarykernels.tool.bench.MoePlan;
import org.ternarykernels.tool.measure.Machine;
import org.ternarykernels.tool.onednn.Baseline;
import org.ternarykernels.tool.options.OutputOptions;
import org.ternarykernels.tool.options.RuntimeOptions;
import org.ternarykernels.tool.output.Progress;
import org.ternarykernels.tool.output.Screen;
import org.ternarykernels.tool.peer.Peer;
import org.ternarykernels.tool.peer.Peers;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
    name = "bench",
    description =
        "Time the kernels next to the limits of this machine, oneDNN (bf16, f32, int8), the"
            + " portable kernel and the libraries of --peer. All are measured in turns, so that a"
            + " busy neighbour meets all alike; ratios are medians of pairs. Each result is checked"
            + " against the oracle before it is timed. The whole list takes hours; --quick takes"
            + " two minutes. With --device cuda: products on a GPU next to the cost model, and"
            + " layers of experts and routers.",
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "JSON: date (UTC), command, complete (false: interrupted; rows so far), seconds,"
          + " environment {...}, rows [{"
          + BenchRow.FIELDS
          + ", or error}]. A file is replaced after each row.",
      "With --op moe rows [{" + MoeBench.FIELDS + "}].",
      "With --device cuda: date, command, complete, device, gpu, rows [{" + GpuBench.FIELDS + "}].",
      "With both rows [{" + GpuExpertBench.FIELDS + "}]."
    })
final class BenchCommand implements Callable<Integer> {
  private static final long SLICE_NANOS = 4_000_000;
  private static final double QUICK_SECONDS = 1.5;

  @Mixin private BenchLists lists;

  @Option(
      names = "--seconds",
      paramLabel = "S",
      defaultValue = "2",
      description =
          "Time for the measurements of each row (default ${DEFAULT-VALUE}; at least seven rounds"
              + " are made).")
  private double seconds;

  @Option(
      names = "--device",
      paramLabel = "DEVICE",
      defaultValue = "cpu",
      description =
          "cpu (default), or cuda, cuda:N: times that GPU by its own clock, next to what the cost"
              + " model expects. Without a GPU only the model is printed, and the exit code is 1.")
  private String device;

  @Option(
      names = "--quick",
      description = "A representative list in two minutes on two cores; takes no other list.")
  private boolean quick;

  @Mixin private PeerOptions peerOptions;

  @Mixin(name = "output")
  private OutputOptions output;

  @Spec private CommandSpec spec;

  private final List<BenchRow> measured = new ArrayList<>();
  private final Map<String, Object> json = new LinkedHashMap<>();

  @Override
  public Integer call() throws Exception {
    List<Peer> given = check();
    json.put("date", LocalDate.now(ZoneOffset.UTC).toString());
    json.put("command", command());
    if (!device.equals("cpu")) {
      return benchGpu();
    }
    System.setProperty(
        "org.slf4j.simpleLogger.log.org.ternarykernels", "error"); // fallbacks show in the paths
    long begin = System.nanoTime();
    Machine machine = new Machine();
    Isa best;
    int cores;
    try (TernaryRuntime runtime = TernaryRuntime.create()) {
      json.put("complete", false);
      json.put("seconds", 0.0);
      json.put("environment", machine.environment(runtime));
      cores = (Integer) environment().get("threads");
      best = bestIsa();
    }
    if (lists.areOfExperts()) {
      return benchExperts(machine, lists.moePlan(best, cores), begin);
    }
    List<BenchCase> cases = quick ? BenchPlan.quick(best, cores) : lists.plan(best, cores).cases();
    PrintWriter out = spec.commandLine().getOut();
    out.println(
        environment().get("cpu_model")
            + ", "
            + cores
            + " threads, "
            + best.id()
            + "; "
            + environment().get("caches"));
    int most = cases.stream().mapToInt(BenchCase::threads).max().orElse(1);
    BenchTable table;
    try (Baseline baseline = new Baseline(most, true);
        Peers peers = new Peers(given);
        BenchTrial trial =
            new BenchTrial(
                machine,
                baseline,
                peers,
                SLICE_NANOS,
                (long) ((quick ? QUICK_SECONDS : seconds) * 1e9))) {
      table = new BenchTable(out, peers.names(), lists.hasBlocks());
      run(cases, trial, table, begin);
    }
    json.put("complete", true);
    output.write(soFar(begin));
    table.notes(measured);
    out.printf(
        Locale.ROOT, "%d rows in %.0f s%n", measured.size(), (System.nanoTime() - begin) / 1e9);
    out.flush();
    return measured.stream().anyMatch(row -> row.json().containsKey("error")) ? 1 : 0;
  }

  private int benchExperts(Machine machine, MoePlan plan, long begin) throws IOException {
    MoeBench bench = new MoeBench(spec.commandLine().getOut(), plan);
    Progress progress = Screen.of(spec).progress("bench, rows", bench.count());
    boolean right =
        bench.run(
            machine,
            seconds,
            (rows, next) -> {
              progress.at(rows.size(), "now " + next);
              json.put("complete", rows.size() == bench.count());
              json.put("seconds", (System.nanoTime() - begin) / 1e9);
              json.put("rows", rows);
              output.writeSoFar(json);
            });
    output.write(json);
    return right ? 0 : 1;
  }

  private int benchGpu() throws IOException {
    if (lists.areOfExperts()) {
      GpuExpertBench bench =
          new GpuExpertBench(spec.commandLine().getOut(), lists.gpuExpertPlan(seconds));
      int exitCode = bench.run(device);
      json.putAll(bench.json());
      output.write(json);
      return exitCode;
    }
    GpuBench bench =
        new GpuBench(
            spec.commandLine().getOut(), quick ? lists.quickGpuPlan(0.2) : lists.gpuPlan(seconds));
    int exitCode = bench.run(device);
    json.putAll(bench.json());
    output.write(json);
    return exitCode;
  }

  /** What was typed, behind the name of the tool. */
  private String command() {
    return "ternary " + String.join(" ", spec.commandLine().getParseResult().originalArgs());
  }

  @SuppressWarnings("unchecked")
  private Map<String, Object> environment() {
    return (Map<String, Object>) json.get("environment");
  }

  @SuppressWarnings("unchecked")
  private Isa bestIsa() {
    List<String> available = (List<String>) environment().get("isa");
    return Isa.of(available.get(available.size() - 1));
  }

  private void run(List<BenchCase> cases, BenchTrial trial, BenchTable table, long begin)
      throws IOException {
    Progress progress = Screen.of(spec).progress("bench, rows", cases.size());
    table.head();
    for (BenchCase of : cases) {
      progress.at(measured.size(), "now " + of);
      BenchRow row;
      try {
        row = trial.run(of);
      } catch (IllegalStateException e) { // a wrong result; the others are still of interest
        row = BenchRow.begin(of);
        row.put("error", e.getMessage());
      }
      measured.add(row);
      table.line(row);
      output.writeSoFar(soFar(begin));
    }
  }

  private Map<String, Object> soFar(long begin) {
    json.put("seconds", (System.nanoTime() - begin) / 1e9);
    json.put("rows", measured.stream().map(BenchRow::json).toList());
    return json;
  }

  /**
   * @return the peers
   */
  private List<Peer> check() {
    List<Peer> peers = peerOptions.peers();
    CommandLine command = spec.commandLine();
    lists.check(quick);
    RuntimeOptions.require(
        device.matches(RuntimeOptions.DEVICES),
        command,
        "--device",
        "\"" + device + "\"",
        "cpu, cuda, cuda:N or auto");
    RuntimeOptions.require(
        device.equals("cpu") || lists.serveGpus(),
        command,
        "--device",
        device,
        "cpu with --threads, --isa or --group");
    RuntimeOptions.require(
        !device.equals("cpu") || !lists.haveRouters(),
        command,
        "--op",
        "route",
        "given with --device cuda");
    RuntimeOptions.require(
        device.equals("cpu") || peers.isEmpty(), command, "--device", device, "cpu with --peer");
    RuntimeOptions.require(
        peers.isEmpty() || !lists.areOfExperts(), command, "--peer", peers, "none with --op moe");
    RuntimeOptions.require(
        seconds > 0 && seconds <= 3600, command, "--seconds", seconds, "above 0 and at most 3600");
    return peers;
  }
}
