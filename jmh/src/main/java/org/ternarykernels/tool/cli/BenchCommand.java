package org.ternarykernels.tool.cli;

import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.ternarykernels.Device;
import org.ternarykernels.Isa;
import org.ternarykernels.TernaryException;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.tool.bench.BenchCase;
import org.ternarykernels.tool.bench.BenchPlan;
import org.ternarykernels.tool.bench.BenchRow;
import org.ternarykernels.tool.bench.CpuBench;
import org.ternarykernels.tool.bench.GpuBench;
import org.ternarykernels.tool.bench.GpuExpertBench;
import org.ternarykernels.tool.bench.MoeBench;
import org.ternarykernels.tool.bench.RowBench;
import org.ternarykernels.tool.gate.GateOptions;
import org.ternarykernels.tool.gate.Gates;
import org.ternarykernels.tool.jmh.JmhBench;
import org.ternarykernels.tool.measure.DeviceClock;
import org.ternarykernels.tool.measure.Machine;
import org.ternarykernels.tool.options.OutDirOptions;
import org.ternarykernels.tool.options.OutputOptions;
import org.ternarykernels.tool.options.RuntimeOptions;
import org.ternarykernels.tool.output.Anonymous;
import org.ternarykernels.tool.output.Screen;
import org.ternarykernels.tool.output.TextTable;
import org.ternarykernels.tool.peer.Peer;
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
            + " layers of experts and routers. With --jmh: the JMH benchmarks.",
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "JSON: date (UTC), command, complete (false: interrupted; rows so far), seconds,"
          + " environment {...}, rows [{"
          + BenchRow.FIELDS
          + ", or error}], with --gate or --baseline "
          + GateOptions.FIELDS
          + ". A file is replaced after each row.",
      "With --op moe rows [{" + MoeBench.FIELDS + "}].",
      "With --device cuda also device, gpu, and rows [{" + GpuBench.FIELDS + "}].",
      "With both rows [{" + GpuExpertBench.FIELDS + "}].",
      "With --jmh rows [{" + JmhBench.FIELDS + "}]."
    })
final class BenchCommand implements Callable<Integer> {
  private static final String QUICK = "--profile quick";
  private static final double QUICK_SECONDS = 1.5;
  private static final double QUICK_GPU_SECONDS = 0.2;

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

  @Option(
      names = "--profile",
      paramLabel = "NAME",
      description = "${COMPLETION-CANDIDATES}: quick is --quick, full the whole list (default).")
  private Profile profile;

  @Mixin private PeerOptions peerOptions;
  @Mixin private JmhOptions jmhOptions;
  @Mixin private GateOptions gateOptions;
  @Mixin private OutDirOptions outDir;

  @Mixin(name = "output")
  private OutputOptions output;

  @Spec private CommandSpec spec;

  /** How much is measured. */
  enum Profile {
    QUICK,
    FULL
  }

  @Override
  public Integer call() throws Exception {
    List<Peer> given = check();
    Machine machine = new Machine();
    Map<String, Object> environment = environment(machine);
    Gates gates = gateOptions.open(environment, "ns", BenchResults.IDENTITY.columns());
    TextTable table = Screen.of(spec).table();
    if (jmhOptions.isGiven()) {
      JmhBench bench = new JmhBench(table, jmhOptions.plan());
      return run(bench, results(environment, table), gates);
    }
    if (!device.equals("cpu")) {
      return benchGpu(results(environment, table), table, gates);
    }
    System.setProperty(
        "org.slf4j.simpleLogger.log.org.ternarykernels", "error"); // fallbacks show in the paths
    RowBench bench = cpuBench(machine, environment, table, given);
    return run(bench, results(environment, table), gates);
  }

  private BenchResults results(Map<String, Object> environment, TextTable table) {
    String command = jmhOptions.isGiven() ? Anonymous.text(command()) : command();
    return new BenchResults(command, environment, outDir, output, table);
  }

  private RowBench cpuBench(
      Machine machine, Map<String, Object> environment, TextTable table, List<Peer> given)
      throws IOException {
    int cores = (Integer) environment.get("threads");
    List<?> available = (List<?>) environment.get("isa");
    Isa best = Isa.of((String) available.get(available.size() - 1));
    if (lists.areOfExperts()) {
      return new MoeBench(table, machine, lists.moePlan(best, cores), seconds);
    }
    List<BenchCase> cases =
        isQuick() ? BenchPlan.quick(best, cores) : lists.plan(best, cores).cases();
    table.note(
        environment.get("cpu_model")
            + ", "
            + cores
            + " threads, "
            + best.id()
            + "; "
            + environment.get("caches"));
    return new CpuBench(table, machine, cases, given, isQuick() ? QUICK_SECONDS : seconds);
  }

  private int run(RowBench bench, BenchResults results, Gates gates) throws IOException {
    List<Map<String, Object>> planned = bench.planned();
    gates.plan(planned);
    Screen screen = Screen.of(spec);
    results.begin(screen.progress("bench, rows", planned.size()));
    boolean right = bench.run(results);
    screen.line(
        String.format(
            Locale.ROOT,
            "%d %s in %.0f s",
            results.count(),
            results.count() == 1 ? "row" : "rows",
            results.seconds()));
    return results.end(Map.of(), right ? 0 : 1, gates);
  }

  private int benchGpu(BenchResults results, TextTable table, Gates gates) throws IOException {
    Screen screen = Screen.of(spec);
    if (lists.areOfExperts()) {
      GpuExpertBench bench = new GpuExpertBench(table, lists.gpuExpertPlan(seconds));
      gates.plan(bench.planned());
      results.begin(screen.progress("bench, rows", bench.planned().size()));
      int exitCode = bench.run(device, results);
      return results.end(bench.json(), exitCode, gates);
    }
    GpuBench bench =
        new GpuBench(
            table, isQuick() ? lists.quickGpuPlan(QUICK_GPU_SECONDS) : lists.gpuPlan(seconds));
    gates.plan(bench.planned());
    results.begin(screen.progress("bench, rows", bench.planned().size()));
    int exitCode = bench.run(device, results);
    return results.end(bench.json(), exitCode, gates);
  }

  private boolean isQuick() {
    return quick || profile == Profile.QUICK;
  }

  /** Of the machine, and of the GPU where there is one. */
  private Map<String, Object> environment(Machine machine) throws IOException {
    if (!device.equals("cpu")) {
      try (TernaryRuntime runtime = TernaryRuntime.builder().device(device).build()) {
        Map<String, Object> environment = machine.environment(runtime);
        Device gpu = runtime.device();
        if (gpu.isCuda()) {
          environment.put("gpu", Map.of("name", gpu.name(), "capability", gpu.capability()));
          environment.put("device_times", DeviceClock.tellsTime(gpu));
        }
        return environment;
      } catch (TernaryException e) {
        // The bench says why there is none.
      }
    }
    try (TernaryRuntime runtime = TernaryRuntime.create()) {
      return machine.environment(runtime);
    }
  }

  /** What was typed, behind the name of the tool. */
  private String command() {
    return "ternary " + String.join(" ", spec.commandLine().getParseResult().originalArgs());
  }

  /**
   * @return the peers
   */
  private List<Peer> check() {
    List<Peer> peers = peerOptions.peers();
    CommandLine command = spec.commandLine();
    jmhOptions.check();
    RuntimeOptions.require(
        !quick || profile != Profile.FULL, command, "--profile", "full", "without --quick");
    checkJmh(command);
    lists.check(jmhOptions.isGiven() ? "--jmh" : quick ? "--quick" : isQuick() ? QUICK : null);
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

  /** Its benchmarks have lists and times of their own. */
  private void checkJmh(CommandLine command) {
    for (String option : List.of("--quick", "--profile", "--seconds", "--device", "--peer")) {
      RuntimeOptions.require(
          !jmhOptions.isGiven() || !command.getParseResult().hasMatchedOption(option),
          command,
          "--jmh",
          "given with " + option,
          "alone; see --jmh-options");
    }
  }
}
