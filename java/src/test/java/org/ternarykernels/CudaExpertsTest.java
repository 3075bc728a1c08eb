package org.ternarykernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * {@code route}, {@code align} and {@code combine} on device buffers: the oracle's bits, also from
 * a graph. {@code CudaExpertsRefusalsTest} has what is refused.
 */
@Tag("gpu")
class CudaExpertsTest {
  private static final int SEEDS = TestDevice.repetitions(200, 30);
  private static final TernaryRuntime RUNTIME = TernaryRuntime.create();
  private static final Experts EXPERTS = RUNTIME.experts();
  private static final CudaStream STREAM = CudaStream.create(RUNTIME);

  private final Random random = new Random(19);
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

  /** Ids of so many slots: each an expert's or -1. */
  private TernaryBuffer ids(int count, int experts) {
    int[] ids = new int[count];
    for (int i = 0; i < count; i++) {
      ids[i] = random.nextInt(experts + 1) - 1;
    }
    return TernaryBuffer.copyOf(ids);
  }

  private DeviceBuffer workspace(long m, long experts) {
    return memory.of(DataType.I8, EXPERTS.routeWorkspaceBytes(m, experts));
  }

  private void assertSame(Routing actual, Routing expected) {
    assertThat(memory.readInts(actual.deviceIds())).isEqualTo(expected.ids().toInts());
    Problems.assertSameBits(memory.read(actual.deviceWeights()), expected.weights());
  }

  @Test
  void routeGivesTheOraclesBits() {
    for (int seed = 0; seed < SEEDS; seed++) {
      random.setSeed(seed);
      RouterProblem problem = new RouterProblem(random);
      Routing chosen = memory.of(problem.routing());
      DeviceBuffer x = memory.of(problem.x);
      if (seed % 2 == 0) {
        EXPERTS.route(problem.onGpu(memory), x, chosen, problem.m, STREAM);
      } else {
        DeviceBuffer workspace = problem.ofX ? workspace(problem.m, problem.experts) : null;
        EXPERTS.route(
            problem.onGpu(memory), x, problem.columns, chosen, problem.m, STREAM, workspace);
      }
      assertSame(chosen, problem.expected(problem.x));
    }
  }

  @Test
  void routesInStridesAndIsCounted() {
    TernaryBuffer logits = TernaryBuffer.copyOf(DataType.F32, 1, 9, 2, 2, 0, 5, 5, 5, 5, 0);
    DeviceBuffer ids = memory.of(TernaryBuffer.copyOf(7, 7, 7, 7, 7, 7));
    DeviceBuffer weights = memory.of(Problems.filled(DataType.F32, 8, 7));
    Router router = Router.builder(4, 2).method(RouteMethod.TOPK_SOFTMAX).build();
    RUNTIME.resetCounters();
    Routing routing = Routing.of(ids, 3, weights, 4, 2);
    EXPERTS.route(router, memory.of(logits), 5, routing, 2, STREAM, null);
    assertThat(memory.readInts(ids)).containsExactly(1, 2, 7, 0, 1, 7);
    float[] w = memory.read(weights).toArray();
    assertThat(w[0]).isGreaterThan(0.999f);
    assertThat(w).endsWith(7, 7, 0.5f, 0.5f, 7, 7);
    assertThat(RUNTIME.pathCounts()).hasSize(1).containsValue(1L);
    assertThat(RUNTIME.pathCounts().keySet()).allMatch(path -> path.startsWith("route."));
  }

  @Test
  void alignGivesTheOraclesNumbers() {
    for (int seed = 0; seed < SEEDS; seed++) {
      random.setSeed(seed);
      int m = 1 + random.nextInt(200);
      int slots = 1 + random.nextInt(8);
      int experts = 1 + random.nextInt(300);
      Routing host = Routing.of(ids(m * slots, experts), null, slots);
      TernaryBuffer numbers = TernaryBuffer.copyOf(new int[m * slots]);
      TernaryBuffer offsets = TernaryBuffer.copyOf(new int[experts + 1]);
      ExpertOracle.align(host, experts, numbers, offsets, m);
      DeviceBuffer deviceNumbers = memory.of(DataType.I32, m * slots);
      DeviceBuffer deviceOffsets = memory.of(DataType.I32, experts + 1);
      EXPERTS.align(memory.of(host), experts, deviceNumbers, deviceOffsets, m, STREAM);
      assertThat(memory.readInts(deviceNumbers)).as("seed %d", seed).isEqualTo(numbers.toInts());
      assertThat(memory.readInts(deviceOffsets)).as("seed %d", seed).isEqualTo(offsets.toInts());
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"F32", "F16", "BF16"})
  void combineGivesTheOraclesBitsAlsoInPlace(DataType type) {
    int m = 5;
    int slots = 3;
    int h = 37;
    TernaryBuffer d = Problems.activations(random, type, m * slots * h);
    TernaryBuffer weights = Problems.activations(random, DataType.BF16, m * slots);
    TernaryBuffer residual = Problems.activations(random, DataType.F16, m * h);
    Routing host = Routing.of(ids(m * slots, 4), weights, slots);
    TernaryBuffer sum = TernaryBuffer.allocate(DataType.F16, m * h);
    TernaryBuffer y = TernaryBuffer.allocate(type, m * h);
    ExpertOracle.combine(d, slots * h, host, 4, h, 1.5f, residual, sum, h, y, h, m);
    DeviceBuffer dd = memory.of(d);
    DeviceBuffer dr = memory.of(residual);
    DeviceBuffer dy = memory.of(type, m * h);
    Routing routing = memory.of(host);
    EXPERTS.combine(dd, slots * h, routing, 4, h, 1.5f, dr, dr, h, dy, h, m, STREAM);
    Problems.assertSameBits(memory.read(dy), y);
    Problems.assertSameBits(memory.read(dr), sum);
    Routing unweighted = Routing.of(host.ids(), null, slots);
    ExpertOracle.combine(d, slots * h, unweighted, 4, h, 1, null, null, 0, y, h, m);
    Routing onGpu = Routing.of(routing.deviceIds(), null, slots);
    EXPERTS.combine(dd, slots * h, onGpu, 4, h, 1, null, null, 0, dy, h, m, STREAM);
    Problems.assertSameBits(memory.read(dy), y);
  }

  @Test
  void aGraphFollowsNewRowsAndIds() {
    RouterProblem problem = new RouterProblem(random, true);
    int m = problem.m;
    int k = problem.k;
    int experts = problem.experts;
    int h = 20;
    TernaryBuffer d = Problems.activations(random, DataType.F16, m * k * h);
    DeviceBuffer x = memory.of(problem.x.dataType(), m * problem.columns);
    DeviceBuffer dd = memory.of(d);
    DeviceBuffer dy = memory.of(DataType.F32, m * h);
    DeviceBuffer numbers = memory.of(DataType.I32, m * k);
    DeviceBuffer offsets = memory.of(DataType.I32, experts + 1);
    Routing chosen = memory.of(problem.routing());
    Router router = problem.onGpu(memory);
    DeviceBuffer workspace = workspace(m, experts);
    assertThatThrownBy(() -> STREAM.capture(() -> EXPERTS.route(router, x, chosen, m, STREAM)))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("workspace");
    Runnable work =
        () -> {
          EXPERTS.route(router, x, problem.columns, chosen, m, STREAM, workspace);
          EXPERTS.align(chosen, experts, numbers, offsets, m, STREAM);
          EXPERTS.combine(dd, k * h, chosen, experts, h, 1, null, null, 0, dy, h, m, STREAM);
        };
    try (CudaGraph graph = STREAM.capture(work)) {
      for (int launch = 0; launch < 3; launch++) {
        TernaryBuffer rows = Problems.activations(random, x.dataType(), m * problem.columns);
        x.copyFrom(rows, STREAM);
        graph.launch(STREAM);
        Routing expected = problem.expected(rows);
        TernaryBuffer y = TernaryBuffer.allocate(DataType.F32, m * h);
        TernaryBuffer n = TernaryBuffer.allocate(DataType.I32, m * k);
        TernaryBuffer o = TernaryBuffer.allocate(DataType.I32, experts + 1);
        ExpertOracle.align(expected, experts, n, o, m);
        ExpertOracle.combine(d, k * h, expected, experts, h, 1, null, null, 0, y, h, m);
        assertSame(chosen, expected);
        assertThat(memory.readInts(numbers)).isEqualTo(n.toInts());
        assertThat(memory.readInts(offsets)).isEqualTo(o.toInts());
        Problems.assertSameBits(memory.read(dy), y);
      }
    }
  }

  @Test
  void aGraphKeepsTheBuffersOfItsCalls() {
    DeviceBuffer x = memory.of(DataType.F32, 8);
    DeviceBuffer matrix = memory.of(DataType.F32, 8);
    DeviceBuffer bias = memory.of(DataType.F32, 4);
    DeviceBuffer correction = memory.of(DataType.F32, 4);
    DeviceBuffer ids = memory.of(DataType.I32, 2);
    DeviceBuffer weights = memory.of(DataType.F32, 2);
    DeviceBuffer numbers = memory.of(DataType.I32, 2);
    DeviceBuffer offsets = memory.of(DataType.I32, 5);
    DeviceBuffer residual = memory.of(DataType.F32, 2);
    DeviceBuffer sum = memory.of(DataType.F32, 2);
    DeviceBuffer y = memory.of(DataType.F32, 2);
    DeviceBuffer workspace = workspace(1, 4);
    Router router =
        Router.builder(4, 2).matrix(matrix, 2).bias(bias).correctionBias(correction).build();
    Routing chosen = Routing.of(ids, weights, 2);
    DeviceBuffer[] ofOneCall = {
      x, matrix, bias, correction, numbers, offsets, residual, sum, y, workspace
    };
    DeviceBuffer d = memory.of(DataType.F32, 4);
    Runnable work =
        () -> {
          EXPERTS.route(router, x, 2, chosen, 1, STREAM, workspace);
          EXPERTS.align(chosen, 4, numbers, offsets, 1, STREAM);
          EXPERTS.combine(d, 4, chosen, 4, 2, 1, residual, sum, 2, y, 2, 1, STREAM);
        };
    try (CudaGraph graph = STREAM.capture(work)) {
      assertThat(ofOneCall).allMatch(buffer -> buffer.handle().users() == 1);
      assertThat(d.handle().users()).isOne();
      assertThat(ids.handle().users()).isEqualTo(3);
      assertThat(weights.handle().users()).isEqualTo(3);
      graph.launch(STREAM);
    }
    work.run();
    assertThat(ofOneCall).allMatch(buffer -> buffer.handle().users() == 0);
  }

  @Test
  void callsAllocateNothing() {
    Routing chosen = memory.of(Routing.allocate(1, 2, DataType.F32));
    DeviceBuffer logits = memory.of(DataType.F32, 4);
    DeviceBuffer numbers = memory.of(DataType.I32, 2);
    DeviceBuffer offsets = memory.of(DataType.I32, 5);
    DeviceBuffer d = memory.of(DataType.F32, 2);
    DeviceBuffer y = memory.of(DataType.F32, 1);
    Router router = Router.builder(4, 2).build();
    int runs = TestDevice.repetitions(1000, 100);
    Runnable calls =
        () -> {
          EXPERTS.route(router, logits, chosen, 1, STREAM);
          EXPERTS.align(chosen, 4, numbers, offsets, 1, STREAM);
          EXPERTS.combine(d, 2, chosen, 4, 1, 1, null, null, 0, y, 1, 1, STREAM);
        };
    assertThat(Allocations.ofRuns(runs, calls)).isLessThan(runs);
  }
}
