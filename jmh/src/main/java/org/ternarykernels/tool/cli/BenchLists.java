package org.ternarykernels.tool.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.ternarykernels.Activation;
import org.ternarykernels.Isa;
import org.ternarykernels.Layout;
import org.ternarykernels.tool.bench.BenchPlan;
import org.ternarykernels.tool.bench.GpuBench;
import org.ternarykernels.tool.bench.GpuExpertBench;
import org.ternarykernels.tool.bench.MoePlan;
import org.ternarykernels.tool.bench.Workload.Operation;
import org.ternarykernels.tool.options.RuntimeOptions;
import org.ternarykernels.tool.options.ShapeFiles;
import org.ternarykernels.tool.problem.BundledData;
import org.ternarykernels.tool.problem.ExpertChoice;
import org.ternarykernels.tool.problem.MoeShape;
import org.ternarykernels.tool.problem.Shape;
import org.ternarykernels.tool.problem.WeightCopies.State;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** What {@code bench} goes through: every value of each list with every other. */
final class BenchLists {
  private static final int MOST_THREADS = 1024;
  private static final Set<Operation> OF_EXPERTS = EnumSet.of(Operation.MOE, Operation.ROUTE);

  @Option(
      names = "--shapes",
      paramLabel = "NAME|FILE",
      description =
          "A bundled shape file by its name, or a file of lines \"N K [name]\"; may be given more"
              + " than once (default: all bundled shape files).")
  private List<Path> shapeFiles;

  @Option(
      names = "--m",
      paramLabel = "LIST",
      split = ",",
      description = "Rows of X, comma-separated (default 1,2,4,8,16,32,64,128,512).")
  private List<Integer> rows;

  @Option(
      names = "--threads",
      paramLabel = "LIST",
      split = ",",
      description = "Threads of a call (default: the process's physical cores).")
  private List<Integer> threads;

  @Option(
      names = "--isa",
      paramLabel = "LIST",
      split = ",",
      converter = RuntimeOptions.IsaName.class,
      description =
          "Highest instruction sets, each in turn (default: the best that this machine has).")
  private List<Isa> isas;

  @Option(
      names = "--layout",
      paramLabel = "LIST",
      split = ",",
      description =
          "Layouts of the weights: ${COMPLETION-CANDIDATES} (default: all but I2S, which only the"
              + " portable kernels read).")
  private List<Layout> layouts;

  @Option(
      names = "--op",
      paramLabel = "LIST",
      split = ",",
      description =
          "Operations: ${COMPLETION-CANDIDATES} (default: all but MOE and ROUTE). MOE is alone:"
              + " layers of experts beside the same products as LINEAR. On a GPU also with ROUTE:"
              + " routers with a matrix.")
  private List<Operation> operations;

  @Option(
      names = "--experts",
      paramLabel = "LIST",
      split = ",",
      description =
          "Layers of experts of MOE and ROUTE: qwen3-30b-a3b, maple-20b-a1b, tiny-mangrove"
              + " (default: all).")
  private List<String> experts;

  @Option(
      names = "--routing",
      paramLabel = "LIST",
      split = ",",
      description =
          "Of MOE: ${COMPLETION-CANDIDATES} (default: all). ZIPF is skewed by 1 / rank; ONE sends"
              + " all rows to one expert.")
  private List<ExpertChoice> choices;

  @Option(
      names = "--activation",
      paramLabel = "LIST",
      split = ",",
      converter = RuntimeOptions.ActivationName.class,
      description =
          "Of operations with int8 activations: a8, one scale a token, or a8:B, one for each B"
              + " columns (default: a8). What has blocks takes turns with a8 on the same weights:"
              + " the column a8 is its time / ours.")
  private List<Activation> activations;

  @Option(
      names = "--group",
      paramLabel = "G",
      defaultValue = "0",
      description = "Columns that share an alpha, a multiple of 32 (default 0: one alpha in all).")
  private int group;

  @Option(
      names = "--memory",
      paramLabel = "LIST",
      split = ",",
      description =
          "RESIDENT: one copy of the weights, in cache if it fits; STREAMING: calls go round copies"
              + " of four times the last-level caches (default: both).")
  private List<State> memory;

  @Spec(Spec.Target.MIXEE)
  private CommandSpec command;

  /**
   * Refuses values that are out of range, as wrong usage.
   *
   * @param without the option with which no list may be given; null if there is none
   */
  void check(String without) {
    CommandLine line = command.commandLine();
    boolean alone = without != null;
    if (alone) {
      for (Object list :
          new Object[] {
            shapeFiles, rows, threads, isas, layouts, operations, activations, memory
          }) {
        RuntimeOptions.require(
            list == null, line, without, "given with a list of its own", "alone");
      }
    }
    checkExperts(line, alone);
    for (int m : or(rows, List.<Integer>of())) {
      RuntimeOptions.require(m >= 1, line, "--m", m, "at least 1");
    }
    for (Activation activation : activations()) {
      RuntimeOptions.require(
          activation.isA8(),
          line,
          "--activation",
          activation,
          "a8 or a8:B (LINEAR_A16 is an --op)");
      RuntimeOptions.require(
          group == 0
              || activation.block() == 0
              || activation.block() % group == 0
              || group % activation.block() == 0,
          line,
          "--activation",
          activation,
          "of a block that divides the group of " + group + ", or is a multiple of it");
    }
    RuntimeOptions.require(
        group >= 0 && group % 32 == 0 && !(alone && group > 0),
        line,
        "--group",
        group,
        alone ? "0 with " + without : "0 or a multiple of 32");
    for (int count : or(threads, List.<Integer>of())) {
      RuntimeOptions.require(
          count >= 1 && count <= MOST_THREADS, line, "--threads", count, "1 to " + MOST_THREADS);
    }
  }

  private void checkExperts(CommandLine line, boolean alone) {
    if (!areOfExperts()) {
      RuntimeOptions.require(
          experts == null && choices == null,
          line,
          "--op",
          operations,
          "moe with --experts or --routing");
      return;
    }
    RuntimeOptions.require(
        OF_EXPERTS.containsAll(operations) && shapeFiles == null && group == 0 && !alone,
        line,
        "--op",
        operations,
        "moe and route alone, without --shapes, --group and --quick");
    for (String name : or(experts, List.<String>of())) {
      RuntimeOptions.require(
          MoeShape.ALL.stream().anyMatch(shape -> shape.name().equals(name)),
          line,
          "--experts",
          name,
          "of " + MoeShape.ALL.stream().map(MoeShape::name).toList());
    }
  }

  /** Whether experts are to be timed, {@link #moePlan} or {@link #gpuExpertPlan}. */
  boolean areOfExperts() {
    return operations != null && operations.stream().anyMatch(OF_EXPERTS::contains);
  }

  /** Whether routers are to be timed, which only GPUs' plans have. */
  boolean haveRouters() {
    return operations != null && operations.contains(Operation.ROUTE);
  }

  /** As {@link #plan}, of layers of experts. */
  MoePlan moePlan(Isa best, int cores) {
    return new MoePlan(
        moeShapes(),
        or(rows, MoePlan.ALL_ROWS),
        or(choices, List.of(ExpertChoice.values())),
        or(threads, List.of(cores)),
        or(isas, List.of(best)),
        or(layouts, List.of(Layout.I2S_TILED)),
        or(memory, List.of(State.STREAMING)),
        activations());
  }

  /** The same on a GPU, with routers. */
  GpuExpertBench.Plan gpuExpertPlan(double seconds) {
    return new GpuExpertBench.Plan(
        moeShapes(),
        operations,
        or(rows, MoePlan.ALL_ROWS),
        or(choices, List.of(ExpertChoice.values())),
        or(layouts, List.of(Layout.I2S_TILED)),
        or(memory, List.of(State.STREAMING)),
        activations(),
        seconds);
  }

  private List<MoeShape> moeShapes() {
    return MoeShape.ALL.stream()
        .filter(shape -> experts == null || experts.contains(shape.name()))
        .toList();
  }

  /** Whether nothing is given that is of CPUs alone. */
  boolean serveGpus() {
    return threads == null && isas == null && group == 0;
  }

  /**
   * @param best instruction set of the machine
   */
  BenchPlan plan(Isa best, int cores) throws IOException {
    return new BenchPlan(
        shapes(),
        or(rows, BenchPlan.ALL_ROWS),
        or(threads, List.of(cores)),
        or(isas, List.of(best)),
        or(layouts, BenchPlan.layoutsInUse()),
        or(operations, Operation.ofOneMatrix()),
        or(memory, List.of(State.values())),
        activations(),
        group);
  }

  private List<Activation> activations() {
    return or(activations, List.of(Activation.A8));
  }

  /**
   * @param seconds for a row
   */
  GpuBench.Plan gpuPlan(double seconds) throws IOException {
    return gpuPlan(shapes(), or(rows, BenchPlan.ALL_ROWS), seconds);
  }

  /** The same of a representative list. */
  GpuBench.Plan quickGpuPlan(double seconds) {
    return gpuPlan(GpuBench.QUICK, GpuBench.QUICK_ROWS, seconds);
  }

  private GpuBench.Plan gpuPlan(
      Map<String, List<Shape>> shapes, List<Integer> rows, double seconds) {
    return new GpuBench.Plan(
        shapes,
        rows,
        or(layouts, BenchPlan.layoutsInUse()),
        or(operations, List.of(Operation.LINEAR)),
        or(memory, List.of(State.STREAMING)),
        activations(),
        seconds);
  }

  private static <T> List<T> or(List<T> given, List<T> otherwise) {
    return given == null ? otherwise : given;
  }

  private Map<String, List<Shape>> shapes() throws IOException {
    Map<String, List<Shape>> shapes = new LinkedHashMap<>();
    for (Path file : or(shapeFiles, BundledData.SHAPE_FILES.stream().map(Path::of).toList())) {
      shapes.put(ShapeFiles.name(file), ShapeFiles.read(command.commandLine(), file));
    }
    return shapes;
  }
}
