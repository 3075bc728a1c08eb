package org.ternarykernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Ids on a GPU that no expert has: they contribute nothing, and are told once. */
@Tag("gpu")
class CudaWrongIdsTest {
  private static final int SLOTS = 2;
  private static final int EXPERTS = 3;
  private static final int H = 5;
  private static final int M = 3;

  /** Two are wrong. */
  private static final int[] WRONG = {0, 3, -1, 1, -2, 2};

  private static final int[] RIGHT = {0, -1, -1, 1, -1, 2};

  private final TernaryRuntime runtime = TernaryRuntime.create();
  private final CudaStream stream = CudaStream.create(runtime);
  private final DeviceBuffers memory = new DeviceBuffers(runtime, stream);
  private final DeviceBuffer ids = memory.of(TernaryBuffer.copyOf(WRONG));
  private final Routing routing = Routing.of(ids, null, SLOTS);
  private final DeviceBuffer numbers = memory.of(TernaryBuffer.copyOf(9, 9, 9, 9, 9, 9));
  private final DeviceBuffer offsets = memory.of(DataType.I32, EXPERTS + 1);

  @AfterEach
  void close() {
    memory.close();
    stream.close();
    runtime.close();
  }

  private void align(CudaStream in) {
    runtime.experts().align(routing, EXPERTS, numbers, offsets, M, in);
  }

  private static void assertTold(CudaStream stream, int count) {
    assertThatThrownBy(stream::synchronize)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("had " + count + " ids that are neither -1 nor an expert's");
  }

  @Test
  void theyContributeNothingAndAreToldOnce() {
    TernaryBuffer d = Problems.activations(new Random(5), DataType.F32, M * SLOTS * H);
    TernaryBuffer y = TernaryBuffer.allocate(DataType.F32, M * H);
    Routing right = Routing.of(TernaryBuffer.copyOf(RIGHT), null, SLOTS);
    ExpertOracle.combine(d, SLOTS * H, right, EXPERTS, H, 1, null, null, 0, y, H, M);
    DeviceBuffer dd = memory.of(d);
    DeviceBuffer dy = memory.of(DataType.F32, M * H);
    align(stream);
    assertTold(stream, 2);
    stream.synchronize();
    assertThat(memory.readInts(numbers)).containsExactly(0, 3, 5, 9, 9, 9);
    assertThat(memory.readInts(offsets)).containsExactly(0, 1, 2, 3);
    runtime
        .experts()
        .combine(dd, SLOTS * H, routing, EXPERTS, H, 1, null, null, 0, dy, H, M, stream);
    assertTold(stream, 2);
    stream.synchronize();
    Problems.assertSameBits(memory.read(dy), y);
  }

  /** As few slots as are not sorted, and as many as are. */
  @ParameterizedTest
  @ValueSource(ints = {3, 300})
  void aLayerOfExpertsLeavesThemOut(int m) {
    try (MoeProblem problem = new MoeProblem(2, runtime, m)) {
      MoeOnGpu onGpu = new MoeOnGpu(problem, memory, 0, false);
      int[] mended = problem.routing.ids().toInts();
      int[] broken = mended.clone();
      broken[0] = problem.experts;
      broken[1] = -2;
      broken[broken.length - 1] = Integer.MAX_VALUE;
      mended[0] = mended[1] = mended[broken.length - 1] = -1;
      problem.routing.ids().putInts(0, broken);
      onGpu.setIds(stream);
      onGpu.start(stream, null);
      assertTold(stream, 3);
      stream.synchronize();
      problem.routing.ids().putInts(0, mended);
      onGpu.assertIs(problem.run(problem.spec.activation.isA8(), 0, m), problem.toString());
    }
  }

  @Test
  void thoseOfOtherStreamsAndOfLaunchesAreToldToo() {
    try (CudaStream other = CudaStream.create(runtime);
        CudaGraph graph = stream.capture(() -> align(stream))) {
      stream.synchronize(); // capture has run nothing
      align(other);
      other.waitUntilIdle();
      graph.launch(stream);
      assertTold(stream, 4);
      other.synchronize();
      ids.copyFrom(TernaryBuffer.copyOf(RIGHT), stream);
      graph.launch(stream);
      stream.synchronize();
      ids.copyFrom(TernaryBuffer.copyOf(WRONG), stream);
      graph.launch(stream);
      assertTold(stream, 2);
    }
  }

  @Test
  void thoseOfAnotherRuntimeAreItsOwnStreams() {
    try (TernaryRuntime second = TernaryRuntime.create();
        CudaStream ofSecond = CudaStream.ofAddress(second, stream.address(), stream)) {
      align(ofSecond);
      ofSecond.synchronize();
      assertTold(stream, 2);
    }
  }

  /** Nothing but {@code synchronize} throws for them, and it still can. */
  @Test
  void closingAndCopyingLeaveThemToBeTold() {
    TernaryBuffer back = TernaryBuffer.allocate(DataType.I32, M * SLOTS);
    CudaStream first = CudaStream.create(runtime);
    align(first);
    numbers.copyTo(back, first); // which the stream keeps, and so waits for when it is closed
    first.close();
    assertThat(back.toInts()).containsExactly(0, 3, 5, 9, 9, 9);
    CudaGraph graph = stream.capture(() -> align(stream));
    graph.launch(stream);
    graph.close();
    try (CudaEvent event = CudaEvent.create(runtime)) {
      event.record(stream);
      event.synchronize();
    }
    assertThat(stream.isIdle()).isTrue();
    assertTold(stream, 4);
  }

  @Test
  void aClosedRuntimeTellsNothing() {
    align(stream);
    runtime.close();
    stream.synchronize();
    assertThat(memory.readInts(numbers)).containsExactly(0, 3, 5, 9, 9, 9);
  }

  /** Its kernels count in the runtime's memory. */
  @Test
  void aGraphKeepsTheRuntime() {
    CudaGraph graph = stream.capture(() -> align(stream));
    assertThat(runtime.handle().users()).isOne();
    runtime.close();
    graph.launch(stream);
    stream.synchronize();
    assertThat(memory.readInts(numbers)).containsExactly(0, 3, 5, 9, 9, 9);
    graph.close();
    assertThat(runtime.handle().users()).isZero();
  }
}
