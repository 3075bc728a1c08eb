package org.ternarykernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What {@code route}, {@code align} and {@code combine} refuse of device buffers. */
@Tag("gpu")
class CudaExpertsRefusalsTest {
  private static final TernaryRuntime RUNTIME = TernaryRuntime.create();
  private static final Experts EXPERTS = RUNTIME.experts();
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

  private static void assertRejected(ThrowingCallable call, String... parts) {
    assertThatThrownBy(call)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll(parts);
  }

  private static void assertClosed(ThrowingCallable call, String message) {
    assertThatThrownBy(call).isInstanceOf(IllegalStateException.class).hasMessage(message);
  }

  @Test
  void hostMemoryIsRefusedBesideTheGpus() {
    TernaryBuffer floats = TernaryBuffer.allocate(DataType.F32, 8);
    Routing host = Routing.allocate(1, 2, DataType.F32);
    DeviceBuffer x = memory.of(floats);
    DeviceBuffer numbers = memory.of(DataType.I32, 8);
    Routing onGpu = memory.of(host);
    Router plain = Router.builder(4, 2).build();
    Router ofHost = Router.builder(4, 2).matrix(floats, 2).build();
    Router biased = Router.builder(4, 2).matrix(x, 2).bias(floats).build();
    Router corrected = Router.builder(4, 2).correctionBias(floats).build();
    String mustBeGpus = " is host memory, must be a GPU's";
    assertRejected(() -> EXPERTS.route(plain, x, host, 1, STREAM), "ids" + mustBeGpus);
    assertRejected(() -> EXPERTS.route(ofHost, x, onGpu, 1, STREAM), "router's matrix", mustBeGpus);
    assertRejected(() -> EXPERTS.route(biased, x, onGpu, 1, STREAM), "router's bias", mustBeGpus);
    assertRejected(() -> EXPERTS.route(corrected, x, onGpu, 1, STREAM), "correctionBias is host");
    assertRejected(() -> EXPERTS.align(host, 4, numbers, numbers, 1, STREAM), "ids" + mustBeGpus);
    assertRejected(
        () -> EXPERTS.combine(x, 4, host, 4, 2, 1, null, null, 0, x, 2, 1, STREAM),
        "ids" + mustBeGpus);
    String mustBeHost = " is a GPU's memory, must be host";
    Router ofGpu = Router.builder(4, 2).matrix(x, 2).build();
    assertRejected(() -> EXPERTS.route(plain, floats, onGpu, 1), "ids" + mustBeHost);
    assertRejected(() -> EXPERTS.route(ofGpu, floats, host, 1), "router's matrix" + mustBeHost);
    assertRejected(() -> EXPERTS.align(onGpu, 4, floats, floats, 1), "ids" + mustBeHost);
    assertRejected(
        () -> EXPERTS.combine(floats, 4, onGpu, 4, 2, 1, null, null, 0, floats, 2, 1),
        "ids" + mustBeHost);
    assertRejected(() -> ExpertOracle.route(ofGpu, floats, 2, host, 1), mustBeHost);
    assertThatThrownBy(onGpu::ids).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(onGpu::weights).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(host::deviceIds).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(host::deviceWeights).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void workspacesThatWillNotDoAreRefused() {
    int experts = 100;
    long bytes = EXPERTS.routeWorkspaceBytes(3, experts);
    assertThat(bytes).isGreaterThanOrEqualTo(3 * experts * Float.BYTES);
    DeviceBuffer workspace = memory.of(DataType.I8, bytes + 1);
    DeviceBuffer x = memory.of(DataType.F32, 3 * 300);
    Router router = Router.builder(experts, 2).matrix(memory.of(DataType.F16, 400), 4).build();
    Routing filled = Routing.of(Problems.filled(DataType.I32, 6, 5), null, 2);
    DeviceBuffer ids = memory.of(filled.ids());
    Routing chosen = Routing.of(ids, memory.of(DataType.F32, 6), 2);
    assertRejected(
        () -> EXPERTS.route(router, x, 4, chosen, 3, STREAM, workspace.slice(0, 256)),
        "workspace_bytes is 256",
        String.valueOf(bytes));
    assertRejected(
        () -> EXPERTS.route(router, x, 4, chosen, 3, STREAM, workspace.slice(1, bytes)),
        "workspace",
        "256");
    assertRejected(() -> EXPERTS.route(router, x, 4, chosen, 3, STREAM, x), "workspace", "overlap");
    assertRejected(() -> EXPERTS.routeWorkspaceBytes(0, experts), "M is 0");
    assertRejected(() -> EXPERTS.routeWorkspaceBytes(1, 4097), "E is 4097", "4096");
    assertThat(memory.readInts(ids)).containsOnly(5);
    EXPERTS.route(router, x, 4, chosen, 3, STREAM, workspace.slice(0, bytes));
    assertThat(memory.readInts(ids)).containsExactly(0, 1, 0, 1, 0, 1);
  }

  @Test
  void wrongOperandsAreRefused() {
    DeviceBuffer x = memory.of(DataType.F32, 8);
    DeviceBuffer numbers = memory.of(DataType.I32, 8);
    Routing chosen = memory.of(Routing.allocate(2, 2, DataType.F32));
    DeviceBuffer closed = DeviceBuffer.allocate(RUNTIME, DataType.F32, 8);
    closed.close();
    CudaStream ended = CudaStream.create(RUNTIME);
    ended.close();
    Router router = Router.builder(4, 2).build();
    Router ofClosed = Router.builder(4, 2).matrix(closed, 2).build();
    Router corrected = Router.builder(4, 2).correctionBias(closed).build();
    Routing toClosed = Routing.of(numbers, closed, 2);
    String end = " is a device buffer that is closed, must be open";
    assertClosed(() -> EXPERTS.route(router, closed, chosen, 2, STREAM), "logits" + end);
    assertClosed(() -> EXPERTS.route(ofClosed, x, chosen, 2, STREAM), "the router's matrix" + end);
    assertClosed(() -> EXPERTS.route(corrected, x, chosen, 2, STREAM), "correctionBias" + end);
    assertClosed(() -> EXPERTS.route(router, x, toClosed, 2, STREAM), "weights" + end);
    assertClosed(
        () -> EXPERTS.combine(closed, 4, chosen, 4, 2, 1, null, null, 0, x, 2, 2, STREAM),
        "d" + end);
    assertClosed(
        () -> EXPERTS.align(chosen, 4, numbers, numbers.slice(0, 5), 2, ended),
        "the stream is closed, must be open");
    assertRejected(() -> EXPERTS.route(router, x, chosen, 3, STREAM), "logits has 32 bytes", "48");
    assertRejected(() -> EXPERTS.route(router, x, chosen, 2, null), "stream is null");
    assertRejected(() -> EXPERTS.align(chosen, 4, numbers, null, 2, STREAM), "offsets is null");
    assertRejected(() -> EXPERTS.align(chosen, 4, numbers, numbers, 2, STREAM), "overlap");
    assertRejected(
        () -> EXPERTS.combine(x, 4, chosen, 4, 2, 1, x, null, 2, x, 2, 2, STREAM), "residualOut");
    try (TernaryRuntime cpu = TestDevice.onCpu().build()) {
      Experts onCpu = cpu.experts();
      assertThatThrownBy(() -> onCpu.route(router, x, chosen, 2, STREAM))
          .isInstanceOf(TernaryException.class)
          .hasMessageContainingAll("is the CPU", "must be a GPU");
      assertThatThrownBy(() -> onCpu.routeWorkspaceBytes(1, 1))
          .isInstanceOf(TernaryException.class);
    }
    TernaryRuntime gone = TernaryRuntime.create();
    gone.close();
    assertClosed(
        () -> gone.experts().route(router, x, chosen, 2, STREAM),
        "the runtime is closed, must be open");
  }
}
