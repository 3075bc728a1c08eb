package org.ternarykernels;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Layers of experts on device buffers: the oracle's bits, alone, on streams side by side and from
 * graphs. {@code CudaExpertsRefusalsTest} has what is refused, {@code CudaMoeChainTest} what
 * routers feed, {@code MoeLayerTest} host memory.
 */
@Tag("gpu")
class CudaMoeTest {
  private static final int SEEDS = TestDevice.repetitions(200, 40);
  private static final TernaryRuntime RUNTIME = TernaryRuntime.create();
  private static final CudaStream STREAM = CudaStream.create(RUNTIME);

  private final DeviceBuffers memory = new DeviceBuffers(RUNTIME, STREAM);

  @AfterAll
  static void close() {
    STREAM.close();
    RUNTIME.close();
  }

  @AfterEach
  void closeBuffers() {
    memory.close();
  }

  /** The oracle's; of A16, whose sums have the GPU's order, those of a call of host memory. */
  private static MoeProblem.Result expected(MoeProblem problem) {
    return problem.run(problem.spec.activation.isA8(), 0, problem.m);
  }

  @Test
  void theBitsAreTheOracles() {
    for (int seed = 0; seed < SEEDS; seed++) {
      try (MoeProblem problem = new MoeProblem(1000 + seed, RUNTIME)) {
        MoeOnGpu onGpu = new MoeOnGpu(problem, memory, seed % 3, seed % 2 == 0);
        onGpu.start(STREAM, seed % 4 == 0 ? onGpu.workspace() : null);
        onGpu.assertIs(expected(problem), "seed " + seed + ": " + problem);
        memory.close();
      }
    }
  }

  /** From 257 slots on they are sorted; a row's bits do not tell. */
  @ParameterizedTest
  @ValueSource(ints = {3, 4, 5, 6})
  void manySlotsAreSortedToTheSameBits(int seed) {
    try (MoeProblem problem = new MoeProblem(seed, RUNTIME, 300)) {
      MoeProblem.Result expected = expected(problem);
      MoeOnGpu onGpu = new MoeOnGpu(problem, memory, 1, false);
      RUNTIME.resetCounters();
      onGpu.start(STREAM, onGpu.workspace());
      assertThat(RUNTIME.pathCounts()).containsKey("moe_align.align" + gpu());
      onGpu.assertIs(expected, problem.toString());
      MoeProblem.Result row = problem.run(false, 299, 1);
      int columns = (int) problem.columnsOfY();
      assertThat(Problems.bits(row.y()))
          .isEqualTo(Problems.bits(expected.y().slice(299L * columns, columns)));
    }
  }

  private static String gpu() {
    return ".cuda." + RUNTIME.device().library();
  }

  /** Sorted slots have a kernel a stage; with few of them one may do another's work. */
  @Test
  void pathsNameTheKernelOfEveryStage() {
    try (MoeProblem few = ofActivation(Activation.a8(64))) {
      String weights = few.spec.w13.layout() == Layout.T5_TILED ? "t5" : "i2s";
      String products = ".experts_a8_" + weights + ".block64" + gpu();
      Map<String, Long> always = new HashMap<>();
      always.put("moe_activations.expert_rows" + gpu(), 1L);
      always.put("moe_gate_up" + products, 1L);
      always.put("moe_down" + products, 1L);
      Map<String, Long> all = new HashMap<>(always);
      all.put("moe_align.align" + gpu(), 1L);
      all.put("moe_gate.expert_gate" + gpu(), 1L);
      all.put("moe_combine.combine" + gpu(), 1L);
      Map<String, Long> ofFew = pathsOf(few);
      assertThat(ofFew).containsAllEntriesOf(always).doesNotContainKey("moe_align.align" + gpu());
      assertThat(all).containsAllEntriesOf(ofFew);
      try (MoeProblem many = new MoeProblem(seedOf(Activation.a8(64)), RUNTIME, 257)) {
        assertThat(pathsOf(many)).isEqualTo(all);
      }
    }
  }

  private Map<String, Long> pathsOf(MoeProblem problem) {
    RUNTIME.resetCounters();
    new MoeOnGpu(problem, memory, 0, false).start(STREAM, null);
    return RUNTIME.pathCounts();
  }

  private static MoeProblem ofActivation(Activation activation) {
    return new MoeProblem(seedOf(activation), RUNTIME);
  }

  /** Of the first problem of a way that activations are used. */
  private static int seedOf(Activation activation) {
    for (int seed = 0; ; seed++) {
      try (MoeProblem problem = new MoeProblem(seed, RUNTIME)) {
        if (problem.spec.activation.equals(activation) && problem.m > 1) {
          return seed;
        }
      }
    }
  }

  /** Known failure of an earlier system: scratch that layers shared. */
  @Test
  void twoLayersOnTwoStreamsShareNothing() {
    try (CudaStream other = CudaStream.create(RUNTIME);
        MoeProblem first = ofActivation(Activation.A8);
        MoeProblem second = ofActivation(Activation.a8(32))) {
      MoeProblem.Result ofFirst = expected(first);
      MoeProblem.Result ofSecond = expected(second);
      for (int turn = 0; turn < 3; turn++) {
        List<MoeOnGpu> firsts =
            List.of(new MoeOnGpu(first, memory, 0, false), new MoeOnGpu(first, memory, 0, true));
        List<MoeOnGpu> seconds =
            List.of(new MoeOnGpu(second, memory, 0, false), new MoeOnGpu(second, memory, 2, true));
        firsts.get(0).start(STREAM, null);
        seconds.get(0).start(other, null);
        seconds.get(1).start(STREAM, null);
        firsts.get(1).start(other, null);
        other.synchronize();
        firsts.forEach(call -> call.assertIs(ofFirst, first.toString()));
        seconds.forEach(call -> call.assertIs(ofSecond, second.toString()));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 90}) // as few rows as it has; so many that their slots are sorted
  void aGraphFollowsOtherIds(int rows) {
    for (int seed = 20; seed < 24; seed++) {
      try (MoeProblem problem = new MoeProblem(seed, RUNTIME, rows)) {
        MoeOnGpu onGpu = new MoeOnGpu(problem, memory, 1, false);
        DeviceBuffer workspace = onGpu.workspace();
        Random random = new Random(seed);
        try (CudaGraph graph = STREAM.capture(() -> onGpu.start(STREAM, workspace))) {
          for (int launch = 0; launch < 3; launch++) {
            int[] ids =
                IntStream.generate(() -> random.nextInt(problem.experts + 1) - 1)
                    .limit((long) problem.m * problem.slots)
                    .toArray();
            problem.routing.ids().putInts(0, ids);
            onGpu.setIds(STREAM);
            graph.launch(STREAM);
            onGpu.assertIs(expected(problem), "launch " + launch + ": " + problem);
          }
        }
      }
    }
  }

  /** Gate is x[0] squared, up x[1], and y their product and 0. */
  private static MoeLayer byHand(TernaryRuntime runtime, ExpertWeights w13, ExpertWeights w2) {
    return MoeLayer.builder(runtime, w13, w2)
        .activation(Activation.A16)
        .gateFunction(GateFunction.RELU2)
        .build();
  }

  private static ExpertWeights gateAndUp() {
    return ExpertWeights.pack(new byte[] {1, 0, 0, 1}, 1, 2, 2, ExpertAlpha.expert(1));
  }

  private static ExpertWeights down() {
    return ExpertWeights.pack(new byte[] {1, 0}, 1, 2, 1, ExpertAlpha.expert(1));
  }

  /** Building copies the layer to the device, so a capture needs nothing before it. */
  @Test
  void aLayerThatIsBuiltDuringACaptureServesIt() {
    DeviceBuffer x = memory.of(TernaryBuffer.copyOf(DataType.F32, 2, 3));
    DeviceBuffer ids = memory.of(TernaryBuffer.copyOf(0));
    DeviceBuffer weights = memory.of(TernaryBuffer.copyOf(DataType.F32, 1));
    DeviceBuffer y = memory.of(DataType.F32, 2);
    DeviceBuffer workspace = memory.of(DataType.I8, 1 << 20);
    Routing routing = Routing.of(ids, weights, 1);
    Runnable work =
        () -> {
          try (ExpertWeights w13 = gateAndUp();
              ExpertWeights w2 = down();
              MoeLayer layer = byHand(RUNTIME, w13, w2)) {
            layer.apply(x, 2, null, routing, null, null, 0, y, 2, 1, STREAM, workspace);
          }
        };
    try (CudaGraph graph = STREAM.capture(work)) {
      graph.launch(STREAM);
      assertThat(memory.read(y).toArray()).containsExactly(2 * 2 * 3, 0);
    }
  }

  @Test
  void aGraphKeepsTheLayerTheRuntimeAndTheBuffers() {
    TernaryRuntime runtime = TernaryRuntime.create();
    try (CudaStream stream = CudaStream.create(runtime);
        DeviceBuffers ofRuntime = new DeviceBuffers(runtime, stream);
        ExpertWeights w13 = gateAndUp();
        ExpertWeights w2 = down()) {
      MoeLayer layer = byHand(runtime, w13, w2);
      DeviceBuffer x = ofRuntime.of(TernaryBuffer.copyOf(DataType.F32, 2, 3));
      DeviceBuffer ids = ofRuntime.of(TernaryBuffer.copyOf(0));
      DeviceBuffer weights = ofRuntime.of(TernaryBuffer.copyOf(DataType.F32, 1));
      DeviceBuffer residual = ofRuntime.of(TernaryBuffer.copyOf(DataType.F32, 1, 1));
      DeviceBuffer sum = ofRuntime.of(DataType.F32, 2);
      DeviceBuffer y = ofRuntime.of(DataType.F32, 2);
      DeviceBuffer workspace = ofRuntime.of(DataType.I8, layer.workspaceBytes(1, 1));
      Routing routing = Routing.of(ids, weights, 1);
      Runnable work =
          () -> layer.apply(x, 2, null, routing, residual, sum, 2, y, 2, 1, stream, workspace);
      work.run();
      DeviceBuffer[] used = {x, ids, weights, residual, sum, y, workspace};
      assertThat(used).allMatch(buffer -> buffer.handle().users() == 0);
      try (CudaGraph graph = stream.capture(work)) {
        assertThat(used).allMatch(buffer -> buffer.handle().users() == 1);
        assertThat(runtime.handle().users()).isOne();
        layer.close();
        assertThat(w13.handle().users()).isOne();
        y.copyFrom(TernaryBuffer.copyOf(DataType.F32, 7, 7), stream);
        runtime.close();
        graph.launch(stream);
        assertThat(ofRuntime.read(y).toArray()).containsExactly(2 * 2 * 3, 0);
        assertThat(ofRuntime.read(sum).toArray()).containsExactly(13, 1);
      }
      assertThat(used).allMatch(buffer -> buffer.handle().users() == 0);
      assertThat(w13.handle().users()).isZero();
      assertThat(runtime.handle().users()).isZero();
    }
  }

  @Test
  void aCallAllocatesNothing() {
    try (MoeProblem problem = ofActivation(Activation.A8)) {
      MoeOnGpu onGpu = new MoeOnGpu(problem, memory, 1, false);
      DeviceBuffer workspace = onGpu.workspace();
      int runs = TestDevice.repetitions(1000, 50);
      long bytes = Allocations.ofRuns(runs, () -> onGpu.start(STREAM, workspace));
      assertThat(bytes).isLessThan(runs);
    }
  }
}
