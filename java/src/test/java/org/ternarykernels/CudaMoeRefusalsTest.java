package org.ternarykernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Random;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What layers of experts refuse of device buffers; nothing is written then. */
@Tag("gpu")
class CudaMoeRefusalsTest {
  private static final int E = 3;
  private static final int H = 40;
  private static final int I = 24;
  private static final int M = 2;
  private static final int SLOTS = 2;

  private final Random random = new Random(29);
  private final TernaryRuntime runtime = TernaryRuntime.create();
  private final CudaStream stream = CudaStream.create(runtime);
  private final DeviceBuffers memory = new DeviceBuffers(runtime, stream);
  private final MoeLayer layer = builder(runtime).build();
  private final DeviceBuffer x = memory.of(DataType.F32, M * H);
  private final DeviceBuffer y = memory.of(Problems.filled(DataType.F32, M * H, 7));
  private final Routing onHost =
      Routing.of(TernaryBuffer.copyOf(0, 1, 2, -1), Problems.filled(DataType.F32, 4, 0.5f), SLOTS);
  private final Routing onGpu = memory.of(onHost);

  private MoeLayer.Builder builder(TernaryRuntime of) {
    return MoeLayer.builder(of, weights(2 * I, H), weights(H, I));
  }

  private ExpertWeights weights(int n, int k) {
    byte[] w = Problems.ternary(random, E * n * k);
    return ExpertWeights.pack(w, E, n, k, ExpertAlpha.row(Problems.floats(random, E * n)));
  }

  @AfterEach
  void close() {
    memory.close();
    stream.close();
    layer.close();
    runtime.close();
  }

  private void assertRejected(ThrowingCallable call, String... parts) {
    assertThatThrownBy(call)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll(parts);
  }

  private void assertClosed(ThrowingCallable call, String message) {
    assertThatThrownBy(call).isInstanceOf(IllegalStateException.class).hasMessage(message);
  }

  private void apply(DeviceBuffer workspace) {
    layer.apply(x, H, null, onGpu, null, null, 0, y, H, M, stream, workspace);
  }

  private void assertNothingWritten() {
    assertThat(memory.read(y).toArray()).containsOnly(7f);
  }

  @Test
  void hostMemoryBesideTheGpus() {
    TernaryBuffer floats = TernaryBuffer.allocate(DataType.F32, M * H);
    String mustBeGpus = " is host memory, must be a GPU's";
    String mustBeHost = " is a GPU's memory, must be host";
    Routing mixed = Routing.of(onHost.ids(), SLOTS, null, SLOTS, SLOTS);
    assertRejected(() -> layer.apply(x, onHost, y, M, stream), "ids" + mustBeGpus);
    assertRejected(() -> layer.apply(x, mixed, y, M, stream), "ids" + mustBeGpus);
    assertRejected(() -> layer.apply(floats, onGpu, floats, M), "ids" + mustBeHost);
    assertNothingWritten();
  }

  @Test
  void workspacesThatWillNotDo() {
    long bytes = layer.workspaceBytes(M, SLOTS);
    assertThat(bytes).isGreaterThanOrEqualTo((long) M * SLOTS * H * Float.BYTES);
    assertThat(layer.workspaceBytes(M + 30, SLOTS)).isGreaterThan(bytes);
    assertThat(layer.workspaceBytes(M, SLOTS + 5)).isGreaterThan(bytes);
    DeviceBuffer workspace = memory.of(DataType.I8, bytes + 1);
    assertRejected(
        () -> apply(workspace.slice(0, bytes - 1)),
        "workspace_bytes is " + (bytes - 1),
        String.valueOf(bytes));
    assertRejected(() -> apply(workspace.slice(1, bytes)), "workspace", "256");
    DeviceBuffer shared = memory.of(DataType.F32, bytes / Float.BYTES);
    assertRejected(
        () -> layer.apply(shared, H, null, onGpu, null, null, 0, y, H, M, stream, shared),
        "workspace",
        "overlap");
    assertRejected(() -> layer.workspaceBytes(0, SLOTS), "M is 0");
    assertRejected(() -> layer.workspaceBytes(1, 0), "0 slots");
    assertRejected(() -> layer.workspaceBytes(1, 65), "65 slots");
    assertNothingWritten();
    apply(workspace.slice(0, bytes));
    assertThat(memory.read(y).toArray()).doesNotContain(7f);
  }

  @Test
  void captureWithoutAWorkspace() {
    assertThatThrownBy(() -> stream.capture(() -> layer.apply(x, onGpu, y, M, stream)))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("workspace");
    assertThat(onGpu.deviceIds().handle().users()).isZero();
    assertThat(runtime.handle().users()).isZero();
    assertNothingWritten();
  }

  @Test
  void whatIsClosed() {
    DeviceBuffer gone = DeviceBuffer.allocate(runtime, DataType.F32, M * H);
    gone.close();
    CudaStream ended = CudaStream.create(runtime);
    ended.close();
    String end = " is a device buffer that is closed, must be open";
    assertClosed(() -> layer.apply(gone, onGpu, y, M, stream), "x" + end);
    assertClosed(() -> layer.apply(x, onGpu, gone, M, stream), "y" + end);
    Routing ofGone = Routing.of(onGpu.deviceIds(), gone, SLOTS);
    assertClosed(() -> layer.apply(x, ofGone, y, M, stream), "weights" + end);
    assertClosed(() -> apply(gone), "workspace" + end);
    assertClosed(() -> layer.apply(x, onGpu, y, M, ended), "the stream is closed, must be open");
    assertNothingWritten();
    MoeLayer closed = builder(runtime).build();
    closed.close();
    String layerEnd = "the layer is closed, must be open";
    assertClosed(() -> closed.apply(x, onGpu, y, M, stream), layerEnd);
    assertClosed(() -> closed.workspaceBytes(1, 1), layerEnd);
    TernaryRuntime other = TernaryRuntime.create();
    MoeLayer ofOther = builder(other).build();
    other.close();
    String runtimeEnd = "the runtime is closed, must be open";
    assertClosed(() -> ofOther.apply(x, onGpu, y, M, stream), runtimeEnd);
    assertClosed(() -> builder(other).build(), runtimeEnd);
    ofOther.close();
    assertNothingWritten();
  }

  @Test
  void wrongOperandsAndRuntimes() {
    assertRejected(() -> layer.apply((DeviceBuffer) null, onGpu, y, M, stream), "x is null");
    assertRejected(() -> layer.apply(x, null, y, M, stream), "routing is null");
    assertRejected(() -> layer.apply(x, onGpu, null, M, stream), "y is null");
    assertRejected(() -> layer.apply(x, onGpu, y, M, null), "stream is null");
    assertRejected(() -> layer.apply(x, onGpu, y, M + 1, stream), "x has 320 bytes", "480");
    assertRejected(() -> layer.apply(x, onGpu, x, M, stream), "overlaps x");
    Routing unweighted = Routing.of(onGpu.deviceIds(), null, SLOTS);
    assertRejected(() -> layer.apply(x, unweighted, y, M, stream), "weights are null");
    assertNothingWritten();
    try (TernaryRuntime cpu = TestDevice.onCpu().build();
        MoeLayer onCpu = builder(cpu).build()) {
      assertThatThrownBy(() -> onCpu.apply(x, onGpu, y, M, stream))
          .isInstanceOf(TernaryException.class)
          .hasMessageContainingAll("is the CPU", "must be a GPU");
      assertThatThrownBy(() -> onCpu.workspaceBytes(1, 1)).isInstanceOf(TernaryException.class);
    }
    assertNothingWritten();
  }
}
