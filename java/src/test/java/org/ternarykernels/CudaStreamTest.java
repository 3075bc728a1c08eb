package org.ternarykernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicReference;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.bytedeco.cuda.cudart.CUgraph_st;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Streams, events and graphs of copies. */
@Tag("gpu")
class CudaStreamTest {
  private static final TernaryRuntime RUNTIME = TernaryRuntime.create();
  private static final int COUNT = 100;

  private final Random random = new Random(12);

  @AfterAll
  static void close() {
    RUNTIME.close();
  }

  private static void assertRejected(ThrowingCallable call, String... parts) {
    assertThatThrownBy(call)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll(parts);
  }

  private static void assertClosed(ThrowingCallable call, String message) {
    assertThatThrownBy(call)
        .isInstanceOf(IllegalStateException.class)
        .hasMessage(message + " closed, must be open");
  }

  private static DeviceBuffer buffer() {
    return DeviceBuffer.allocate(RUNTIME, DataType.F32, COUNT);
  }

  private static TernaryBuffer host() {
    return TernaryBuffer.allocate(DataType.F32, COUNT);
  }

  private TernaryBuffer values() {
    return Problems.activations(random, DataType.F32, COUNT);
  }

  /** Copies there and back on a stream. */
  private void assertWorks(CudaStream stream) {
    TernaryBuffer values = values();
    TernaryBuffer back = host();
    try (DeviceBuffer buffer = buffer()) {
      buffer.copyFrom(values, stream);
      buffer.copyTo(back, stream);
      stream.synchronize();
      Problems.assertSameBits(back, values);
      assertThat(stream.isIdle()).isTrue();
    }
  }

  @Test
  void streamsOfEveryOriginWork() {
    try (CudaStream own = CudaStream.create(RUNTIME);
        CudaStream standard = CudaStream.ofDefault(RUNTIME)) {
      assertWorks(own);
      assertWorks(standard);
      assertThat(standard.address()).isZero();
      assertThat(own.toString()).startsWith("CudaStream[0x").endsWith(" of cuda:0]");
      try (CudaStream view = CudaStream.ofAddress(RUNTIME, own.address(), own)) {
        assertWorks(view);
      }
      assertWorks(own); // closing the view has not ended it
    }
    CUstream_st foreign = new CUstream_st();
    assertThat(cudart.cudaStreamCreateWithFlags(foreign, cudart.cudaStreamNonBlocking)).isZero();
    try (CudaStream stream = CudaStream.of(RUNTIME, foreign)) {
      assertThat(stream.address()).isEqualTo(foreign.address());
      assertWorks(stream);
    }
    assertThat(cudart.cudaStreamDestroy(foreign)).isZero();
  }

  @Test
  void wrongStreamsAreRefused() {
    assertRejected(() -> CudaStream.create(null), "runtime is null");
    assertRejected(() -> CudaStream.of(RUNTIME, null), "stream is null");
    assertRejected(() -> CudaStream.of(RUNTIME, new Pointer()), "address is 0", "ofDefault");
    assertRejected(() -> CudaStream.ofAddress(RUNTIME, 0, null), "address is 0");
    CudaStream closed = CudaStream.create(RUNTIME);
    closed.close();
    closed.close();
    assertClosed(closed::synchronize, "the stream is");
    assertClosed(closed::isIdle, "the stream is");
    assertClosed(() -> closed.capture(() -> {}), "the stream is");
    try (DeviceBuffer buffer = buffer();
        CudaEvent event = CudaEvent.create(RUNTIME)) {
      assertClosed(() -> buffer.copyFrom(host(), closed), "the stream is");
      assertClosed(() -> event.record(closed), "the stream is");
      assertClosed(() -> closed.await(event), "the stream is");
    }
  }

  @Test
  void closingAStreamWaitsForItsWork() {
    TernaryBuffer values = values();
    TernaryBuffer back = host();
    try (DeviceBuffer buffer = buffer()) {
      CudaStream stream = CudaStream.create(RUNTIME);
      buffer.copyFrom(values, stream);
      buffer.copyTo(back, stream);
      stream.close();
      Problems.assertSameBits(back, values);
    }
  }

  @Test
  void eventsOrderStreamsAndMeasureTime() {
    TernaryBuffer values = values();
    TernaryBuffer back = host();
    try (CudaStream first = CudaStream.create(RUNTIME);
        CudaStream second = CudaStream.create(RUNTIME);
        CudaEvent start = CudaEvent.create(RUNTIME);
        CudaEvent end = CudaEvent.create(RUNTIME);
        DeviceBuffer a = buffer();
        DeviceBuffer b = buffer()) {
      assertThat(start.isDone()).as("never recorded").isTrue();
      start.record(first);
      a.copyFrom(values, first);
      end.record(first);
      second.await(end);
      b.copyFrom(a, second);
      b.copyTo(back, second);
      second.synchronize();
      Problems.assertSameBits(back, values);
      end.synchronize();
      assertThat(end.isDone()).isTrue();
      assertThat(end.millisSince(start)).isBetween(0f, 10_000f);
      assertRejected(() -> end.millisSince(null), "start is null");
      assertRejected(() -> end.record(null), "stream is null");
      assertRejected(() -> first.await(null), "event is null");
      try (CudaEvent never = CudaEvent.create(RUNTIME)) {
        assertThatThrownBy(() -> end.millisSince(never))
            .isInstanceOf(TernaryException.class)
            .hasMessageContaining("measure the time between events");
      }
      assertThat(first.isIdle()).as("that error is not told again").isTrue();
      start.close();
      assertClosed(() -> end.millisSince(start), "the event is");
      assertClosed(() -> start.record(first), "the event is");
      assertClosed(() -> first.await(start), "the event is");
    }
  }

  @Test
  void aGraphRunsWhatWasCapturedEachTimeItIsLaunched() {
    TernaryBuffer back = host();
    try (CudaStream stream = CudaStream.create(RUNTIME);
        CudaStream other = CudaStream.create(RUNTIME);
        DeviceBuffer a = buffer();
        DeviceBuffer b = buffer();
        CudaGraph graph = stream.capture(() -> b.copyFrom(a, stream))) {
      b.copyTo(back, stream);
      stream.synchronize();
      assertThat(back.toArray()).as("capture runs nothing").containsOnly(0f);
      for (CudaStream launched : new CudaStream[] {stream, other, stream}) {
        TernaryBuffer values = values();
        a.copyFrom(values, launched);
        graph.launch(launched);
        b.copyTo(back, launched);
        launched.synchronize();
        Problems.assertSameBits(back, values);
      }
      assertRejected(() -> graph.launch(null), "stream is null");
      graph.close();
      assertClosed(() -> graph.launch(stream), "the graph is");
    }
  }

  @Test
  void aGraphKeepsTheBuffersItUses() {
    TernaryBuffer values = values();
    TernaryBuffer back = host();
    try (CudaStream stream = CudaStream.create(RUNTIME);
        DeviceBuffer result = buffer()) {
      DeviceBuffer source = DeviceBuffer.copyOf(RUNTIME, values);
      DeviceBuffer between = buffer();
      CudaGraph graph =
          stream.capture(
              () -> {
                between.copyFrom(source, stream);
                result.copyFrom(between, stream);
              });
      source.close();
      between.close();
      assertThatThrownBy(() -> between.copyFrom(values, stream))
          .isInstanceOf(IllegalStateException.class);
      List<DeviceBuffer> others = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        others.add(buffer()); // would take the memory, had it been freed
      }
      graph.launch(stream);
      result.copyTo(back, stream);
      stream.synchronize();
      Problems.assertSameBits(back, values);
      graph.close();
      graph.close();
      others.forEach(DeviceBuffer::close);
    }
  }

  @Test
  void captureCanForkToAnotherStream() {
    TernaryBuffer values = values();
    TernaryBuffer back = host();
    try (CudaStream stream = CudaStream.create(RUNTIME);
        CudaStream other = CudaStream.create(RUNTIME);
        CudaEvent fork = CudaEvent.create(RUNTIME);
        CudaEvent join = CudaEvent.create(RUNTIME);
        DeviceBuffer a = DeviceBuffer.copyOf(RUNTIME, values);
        DeviceBuffer b = buffer();
        DeviceBuffer c = buffer();
        CudaGraph graph =
            stream.capture(
                () -> {
                  fork.record(stream);
                  other.await(fork);
                  b.copyFrom(a, other);
                  join.record(other);
                  stream.await(join);
                  c.copyFrom(b, stream);
                })) {
      graph.launch(stream);
      c.copyTo(back, stream);
      stream.synchronize();
      Problems.assertSameBits(back, values);
    }
  }

  @Test
  void aCaptureThatFailsLeavesTheStreamUsable() {
    try (CudaStream stream = CudaStream.create(RUNTIME);
        DeviceBuffer a = buffer();
        DeviceBuffer b = buffer()) {
      RuntimeException own = new RuntimeException("own");
      assertThatThrownBy(
              () ->
                  stream.capture(
                      () -> {
                        b.copyFrom(a, stream);
                        throw own;
                      }))
          .isSameAs(own);
      assertWorks(stream);
      assertThatThrownBy(() -> stream.capture(() -> stream.capture(() -> {})))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("captures a graph already");
      assertWorks(stream);
      assertThatThrownBy(() -> stream.capture(stream::synchronize))
          .isInstanceOf(TernaryException.class)
          .hasMessageContaining("cudaErrorStreamCapture");
      assertWorks(stream);
      assertRejected(() -> stream.capture(null), "work is null");
      try (CudaStream standard = CudaStream.ofDefault(RUNTIME)) {
        assertThatThrownBy(() -> standard.capture(() -> {}))
            .isInstanceOf(TernaryException.class)
            .hasMessageContaining("begin the capture");
      }
      a.close();
      assertThatThrownBy(() -> b.copyFrom(a, stream)).isInstanceOf(IllegalStateException.class);
    }
  }

  /** The mode in which PyTorch and others capture: unsafe calls of any thread would end it. */
  @Test
  void nothingHereDisturbsTheGlobalCaptureOfOtherCode() throws Exception {
    CUstream_st foreign = new CUstream_st();
    assertThat(cudart.cudaStreamCreateWithFlags(foreign, cudart.cudaStreamNonBlocking)).isZero();
    assertThat(cudart.cudaStreamBeginCapture(foreign, cudart.cudaStreamCaptureModeGlobal)).isZero();
    AtomicReference<Throwable> thrown = new AtomicReference<>();
    Thread other =
        new Thread(
            () -> {
              try (CudaStream stream = CudaStream.create(RUNTIME);
                  CudaEvent event = CudaEvent.create(RUNTIME);
                  DeviceBuffer copy = DeviceBuffer.copyOf(RUNTIME, values());
                  DeviceBuffer target = buffer()) {
                assertWorks(stream);
                event.record(stream);
                event.synchronize();
                assertThat(event.isDone()).isTrue();
                stream.capture(() -> target.copyFrom(copy, stream)).close();
              }
            });
    other.setUncaughtExceptionHandler((thread, e) -> thrown.set(e));
    other.start();
    other.join();
    CUgraph_st graph = new CUgraph_st();
    int ended = cudart.cudaStreamEndCapture(foreign, graph);
    assertThat(cudart.cudaStreamDestroy(foreign)).isZero();
    assertThat(thrown.get()).isNull();
    assertThat(ended).isZero();
    assertThat(cudart.cudaGraphDestroy(graph)).isZero();
  }

  @Test
  void memoryIsFreedWhileAStreamIsCaptured() {
    TernaryBuffer values = values();
    TernaryBuffer back = host();
    DeviceBuffer unrelated = buffer();
    try (CudaStream stream = CudaStream.create(RUNTIME);
        DeviceBuffer a = DeviceBuffer.copyOf(RUNTIME, values);
        DeviceBuffer b = buffer();
        CudaGraph graph =
            stream.capture(
                () -> {
                  unrelated.close();
                  b.copyFrom(a, stream);
                })) {
      graph.launch(stream);
      b.copyTo(back, stream);
      stream.synchronize();
      Problems.assertSameBits(back, values);
    }
  }
}
