package org.ternarykernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Observation decides nothing: what fails in it is said once, and results stand. */
class ObservationFailuresTest {
  private static final int N = 3;
  private static final int K = 64;

  @TempDir Path folder;

  /** What a runtime counts, each with its results checked. */
  enum Operation {
    LINEAR,
    RMS_NORM_LINEAR,
    QUANTISE;

    void run(TernaryRuntime runtime) {
      TernaryBuffer x = Problems.filled(DataType.F32, K, 2);
      if (this == QUANTISE) {
        TernaryBuffer q = TernaryBuffer.allocate(DataType.I8, K);
        runtime.quantise(x, null, null, q, TernaryBuffer.allocate(DataType.F32, 1), 1, K);
        assertThat(q.get(K - 1)).isEqualTo(127);
        return;
      }
      TernaryBuffer y = TernaryBuffer.allocate(DataType.F32, N);
      // Row-major, which the portable kernels alone read: a fallback where there are others.
      try (TernaryWeights packed = TernaryWeights.pack(ones(), N, K, Alpha.tensor(1));
          TernaryWeights weights = packed.repack(Layout.I2S)) {
        if (this == LINEAR) {
          try (TernaryLinear linear = TernaryLinear.builder(runtime, weights).build()) {
            linear.apply(x, y, 1);
          }
        } else {
          try (RmsNormLinear linear =
              RmsNormLinear.builder(runtime, weights)
                  .norm(Problems.filled(DataType.F32, K, 2).toArray(), 1e-5f)
                  .build()) {
            linear.apply(x, null, null, y, 1);
          }
        }
        assertThat(weights.handle().users()).as("released by the layer").isZero();
      }
      assertThat(y.get(N - 1)).isCloseTo(2f * K, within(0.01f));
    }

    private static byte[] ones() {
      byte[] w = new byte[N * K];
      Arrays.fill(w, (byte) 1);
      return w;
    }
  }

  /** A runtime that reports every call, to a file whose folder is gone. */
  private TernaryRuntime withLostReport() throws IOException {
    Path lost = Files.createDirectory(folder.resolve("lost"));
    TernaryRuntime runtime =
        TernaryRuntime.builder().pathReport(lost.resolve("r.json")).pathReportEvery(1).build();
    Files.delete(lost);
    return runtime;
  }

  @ParameterizedTest
  @EnumSource
  void aReportThatCannotBeWrittenIsLoggedOnce(Operation operation) throws IOException {
    try (TernaryRuntime runtime = withLostReport();
        ErrorStream log = new ErrorStream()) {
      for (int i = 0; i < 3; i++) {
        operation.run(runtime);
      }
      assertThat(log.lines("r.json cannot be written: no file can be made in its folder"))
          .isEqualTo(1);
      assertThat(runtime.totalPathCounts().values()).containsExactly(3L);
      assertThat(runtime.countersJson()).contains("\"report_error\":\"the report ");
    }
    Path missing = folder.resolve("no/r.json");
    assertThatThrownBy(() -> TernaryRuntime.writeReport(missing))
        .isInstanceOf(RuntimeException.class)
        .hasMessageContaining(missing + " cannot be written");
  }

  static Stream<Supplier<Throwable>> failures() {
    return Stream.of(
        () -> new IllegalStateException("the appender"),
        () -> new IOException("checked"),
        () -> new OutOfMemoryError("heap"),
        () -> new StackOverflowError("deep"),
        () -> new NoClassDefFoundError("gone"));
  }

  @ParameterizedTest
  @MethodSource("failures")
  void aLogThatFailsFailsNoCallAndKeepsNoHandle(Supplier<Throwable> failure) throws IOException {
    for (Operation operation : Operation.values()) {
      TernaryRuntime runtime = withLostReport();
      try (ErrorStream log = new ErrorStream(failure)) {
        assertThatCode(() -> operation.run(runtime)).doesNotThrowAnyException();
        assertThatCode(() -> operation.run(runtime)).doesNotThrowAnyException();
      }
      assertThat(runtime.totalPathCounts().values()).containsExactly(2L);
      runtime.close();
      assertThat(hasEnded(runtime)).as("no call holds it").isTrue();
    }
  }

  /** A closed runtime that a call still held would be read anew each time. */
  private static boolean hasEnded(TernaryRuntime runtime) {
    Map<String, Long> once = runtime.totalPathCounts();
    return runtime.totalPathCounts() == once;
  }

  @ParameterizedTest
  @MethodSource("failures")
  void aLogThatFailsFailsNoRuntime(Supplier<Throwable> failure) throws IOException {
    Path tuning = Files.writeString(folder.resolve("tuning.txt"), "version=0.0.1\nend=1\n");
    TernaryRuntime.Builder builder = TestDevice.onCpu().tuning(tuning);
    try (ErrorStream log = new ErrorStream(failure)) {
      assertThatCode(() -> builder.build().close()).doesNotThrowAnyException();
    }
  }

  @Test
  void aNoticeThatCannotBeSaidHidesNoOther() {
    try (TernaryRuntime runtime = TestDevice.onCpu().build()) {
      AtomicInteger messages = new AtomicInteger();
      Supplier<Throwable> appender =
          () -> {
            messages.incrementAndGet();
            return new IllegalStateException("the appender");
          };
      try (ErrorStream log = new ErrorStream(appender)) {
        Operation.LINEAR.run(runtime);
        int first = messages.get();
        assertThat(first).isGreaterThanOrEqualTo(runtime.fallbackCounts().size());
        Operation.LINEAR.run(runtime);
        assertThat(messages).as("each once").hasValue(first);
      }
    }
  }

  /** A logger may wait for a thread that computes. */
  @Test
  void aThreadThatComputesMeanwhileDoesNotWaitForTheLog() {
    try (TernaryRuntime runtime = TestDevice.onCpu().build()) {
      AtomicInteger messages = new AtomicInteger();
      AtomicBoolean waited = new AtomicBoolean();
      Supplier<Throwable> appender =
          () -> {
            if (messages.getAndIncrement() == 0) {
              Thread other = new Thread(() -> Operation.LINEAR.run(runtime));
              other.start();
              try {
                other.join(5_000);
              } catch (InterruptedException e) {
                return e;
              }
              waited.set(other.isAlive());
            }
            return new IllegalStateException("the appender");
          };
      try (ErrorStream log = new ErrorStream(appender)) {
        Operation.LINEAR.run(runtime);
      }
      assertThat(runtime.fallbackCounts()).as("else nothing is logged here").isNotEmpty();
      assertThat(waited).isFalse();
    }
  }
}
