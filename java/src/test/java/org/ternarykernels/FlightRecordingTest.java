package org.ternarykernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The events of the flight recorder. */
class FlightRecordingTest {
  private static final String CALL = "org.ternarykernels.Call";
  private static final String PATH_COUNT = "org.ternarykernels.PathCount";
  private static final int N = 3;
  private static final int K = 64;

  @TempDir Path folder;

  private List<RecordedEvent> events(Recording recording, String name) throws IOException {
    Path file = Files.createTempFile(folder, "recording", ".jfr");
    recording.dump(file);
    return RecordingFile.readAllEvents(file).stream()
        .filter(event -> event.getEventType().getName().equals(name))
        .toList();
  }

  /** The largest count of each path of a runtime. */
  private Map<String, Long> counts(Recording recording, TernaryRuntime runtime) throws IOException {
    Map<String, Long> counts = new TreeMap<>();
    for (RecordedEvent event : events(recording, PATH_COUNT)) {
      if (event.getString("runtime").equals(runtime.id())) {
        counts.merge(event.getString("path"), event.getLong("count"), Math::max);
      }
    }
    return counts;
  }

  private static TernaryWeights weights() {
    return TernaryWeights.pack(new byte[N * K], N, K, Alpha.tensor(1));
  }

  private static void apply(TernaryRuntime runtime, int times) {
    try (TernaryWeights weights = weights();
        TernaryLinear linear = TernaryLinear.builder(runtime, weights).build()) {
      for (int i = 0; i < times; i++) {
        linear.apply(new float[K], 1);
      }
    }
  }

  @Test
  void aCallOfEachOperationIsAnEvent() throws IOException {
    try (TernaryRuntime runtime = TestDevice.onCpu().build();
        TernaryWeights weights = weights();
        TernaryLinear linear = TernaryLinear.builder(runtime, weights).bias(new float[N]).build();
        RmsNormLinear norm =
            RmsNormLinear.builder(runtime, weights).norm(new float[K], 1e-5f).build();
        Recording recording = new Recording()) {
      recording.enable(CALL).withThreshold(Duration.ZERO);
      recording.start();
      TernaryBuffer x = TernaryBuffer.allocate(DataType.F16, 2 * K);
      TernaryBuffer sum = TernaryBuffer.allocate(DataType.F32, 2 * K);
      TernaryBuffer q = TernaryBuffer.allocate(DataType.I8, 2 * K);
      TernaryBuffer s = TernaryBuffer.allocate(DataType.F32, 2);
      TernaryBuffer y = TernaryBuffer.allocate(DataType.BF16, 2 * N);
      linear.apply(x, y, 2);
      linear.apply(q, K, s, y, N, 2);
      norm.apply(x, sum, sum, y, 2);
      runtime.quantise(x, null, null, q, s, 2, K);
      runtime.rotate(x, null, 32, null, true, sum, 2, K);
      runtime.qkNorm(Heads.of(x, K, 1, sum, 1), null, K, 2);
      String product = path(runtime, "linear.");
      String fused = path(runtime, "rmsnorm_linear.");
      String rows = path(runtime, "quantise_activations.");
      TernaryBuffer scales = TernaryBuffer.allocate(DataType.F32, 2 * K / 32);
      runtime.quantise(x, null, 0, null, null, Activation.a8(32), q, scales, 2, K);
      String blocks = rows.replaceFirst("(quantise_activations\\.[^.]+)", "$1.block32");
      long layer = weights.byteSize();
      assertThat(events(recording, CALL))
          .extracting(FlightRecordingTest::described)
          .containsExactly(
              described("linear", product, 2, N, layer + N * 4 + 2 * K * 2, 2 * N * 2),
              described("linear", product, 2, N, layer + N * 4 + 2 * K + 2 * 4, 2 * N * 2),
              described(
                  "rmsnorm_linear",
                  fused,
                  2,
                  N,
                  layer + K * 4 + 2 * K * 2 + 2 * K * 4,
                  2 * N * 2 + 2 * K * 4),
              described("quantise_activations", rows, 2, 0, 2 * K * 2, 2 * K + 2 * 4),
              described("rotate", path(runtime, "rotate."), 2, 0, 2 * K * 2, 2 * K * 4),
              described("qk_norm", path(runtime, "qk_norm."), 2, 0, 2 * K * 2, 2 * K * 2),
              described("quantise_activations", blocks, 2, 0, 2 * K * 2, 2 * K + 2 * 2 * 4));
      assertThat(events(recording, CALL))
          .allSatisfy(
              event -> {
                assertThat(event.getString("runtime")).isEqualTo(runtime.id());
                assertThat(event.getString("device")).isEqualTo("cpu");
                assertThat(event.getLong("k")).isEqualTo(K);
                assertThat(event.getDuration()).isPositive();
              });
    }
  }

  /** A layer's bytes are those of the experts that a row chose. */
  @Test
  void callsOfExpertsAreEvents() throws IOException {
    byte[] w13 = new byte[4 * 2 * N * K];
    byte[] w2 = new byte[4 * K * N];
    ExpertAlpha ones = ExpertAlpha.expert(1, 1, 1, 1);
    try (TernaryRuntime runtime = TestDevice.onCpu().build();
        ExpertWeights gateUp = ExpertWeights.pack(w13, 4, 2 * N, K, ones);
        ExpertWeights down = ExpertWeights.pack(w2, 4, K, N, ones);
        MoeLayer layer = MoeLayer.builder(runtime, gateUp, down).build();
        Recording recording = new Recording()) {
      recording.enable(CALL).withThreshold(Duration.ZERO);
      recording.start();
      TernaryBuffer x = TernaryBuffer.allocate(DataType.F16, 2 * K);
      TernaryBuffer y = TernaryBuffer.allocate(DataType.F32, 2 * K);
      Routing chosen =
          Routing.of(
              TernaryBuffer.copyOf(3, -1, 3, 1), TernaryBuffer.copyOf(DataType.F32, 1, 1, 1, 1), 2);
      layer.apply(x, chosen, y, 2);
      TernaryBuffer numbers = TernaryBuffer.allocate(DataType.I32, 5);
      runtime.experts().align(chosen, 4, TernaryBuffer.allocate(DataType.I32, 4), numbers, 2);
      TernaryBuffer logits = TernaryBuffer.allocate(DataType.F32, 2 * 4);
      runtime.experts().route(Router.builder(4, 2).build(), logits, chosen, 2);
      TernaryBuffer d = TernaryBuffer.allocate(DataType.F32, 2 * 2 * K);
      runtime.experts().combine(d, 2 * K, chosen, 4, K, 1, null, null, 0, y, K, 2);
      long half = layer.byteSize() / 4 * 2;
      assertThat(events(recording, CALL))
          .extracting(
              event -> event.getString("operation"),
              event -> event.getLong("bytesRead"),
              event -> event.getLong("bytesWritten"))
          .containsExactly(
              tuple("moe", half + 2 * K * 2, 2L * K * 4),
              tuple("align", 4L * 4, 4L * 4 + 5 * 4),
              tuple("route", 2L * 4 * 4, 4L * 8),
              tuple("combine", 2L * 2 * K * 4, 2L * K * 4));
    }
  }

  private static String path(TernaryRuntime runtime, String operation) {
    return runtime.pathCounts().keySet().stream()
        .filter(path -> path.startsWith(operation))
        .findFirst()
        .orElseThrow();
  }

  private static String described(RecordedEvent event) {
    return described(
        event.getString("operation"),
        event.getString("path"),
        event.getLong("m"),
        event.getLong("n"),
        event.getLong("bytesRead"),
        event.getLong("bytesWritten"));
  }

  private static String described(
      String operation, String path, long m, long n, long read, long written) {
    return operation + " " + path + " " + m + "x" + n + " " + read + " " + written;
  }

  @Test
  void shortCallsAreNoEvents() throws IOException {
    try (TernaryRuntime runtime = TestDevice.onCpu().build();
        Recording recording = new Recording()) {
      recording.start();
      apply(runtime, 100);
      assertThat(recording.getSettings()).doesNotContainKey(CALL + "#threshold");
      assertThat(events(recording, CALL)).hasSizeLessThan(50); // on a machine with other load
    }
  }

  @Test
  void aFailedCallIsNoEvent() throws IOException {
    try (TernaryRuntime runtime = TestDevice.onCpu().build();
        TernaryWeights weights = weights();
        TernaryLinear linear = TernaryLinear.builder(runtime, weights).build();
        Recording recording = new Recording()) {
      recording.enable(CALL).withThreshold(Duration.ZERO);
      recording.start();
      runtime.close();
      try {
        linear.apply(new float[K], 1);
      } catch (IllegalStateException e) {
        assertThat(events(recording, CALL)).isEmpty();
        return;
      }
    }
    throw new AssertionError("a closed runtime serves");
  }

  /** Where nobody records calls, and where they are recorded but are shorter than the threshold. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void callsThatAreNoEventsAllocateNothing(boolean recorded) {
    try (TernaryRuntime runtime = TestDevice.onCpu().threads(1).build();
        TernaryWeights weights = weights();
        TernaryLinear linear = TernaryLinear.builder(runtime, weights).build();
        Recording recording = new Recording()) {
      if (recorded) {
        recording.enable(CALL).withThreshold(Duration.ofHours(1));
      } else {
        recording.disable(CALL);
      }
      recording.start();
      TernaryBuffer x = TernaryBuffer.allocate(DataType.F32, K);
      TernaryBuffer y = TernaryBuffer.allocate(DataType.F32, N);
      int runs = 20_000;
      assertThat(Allocations.ofRuns(runs, () -> linear.apply(x, y, 1))).isLessThan(runs);
    }
  }

  @Test
  void pathCountsAreThereWhoeverWasFirst() throws IOException {
    try (TernaryRuntime before = TestDevice.onCpu().build();
        Recording recording = new Recording()) {
      apply(before, 2);
      recording.start();
      try (TernaryRuntime after = TestDevice.onCpu().maxIsa(Isa.PORTABLE).build();
          TernaryRuntime closed = TestDevice.onCpu().maxIsa(Isa.PORTABLE).build()) {
        assertThat(after.id()).isNotEqualTo(before.id()).isNotEqualTo(closed.id());
        apply(after, 3);
        apply(before, 1);
        apply(closed, 4);
        closed.close();
        assertThat(counts(recording, before)).isEqualTo(before.totalPathCounts());
        assertThat(counts(recording, after)).isEqualTo(after.totalPathCounts());
        assertThat(counts(recording, closed)).isEqualTo(closed.totalPathCounts()).containsValue(4L);
      }
    }
  }

  /** The counts at its begin tell what the recording's own share is. */
  @Test
  void aRecordingHasTheCountsOfItsBegin() throws IOException {
    try (TernaryRuntime runtime = TestDevice.onCpu().maxIsa(Isa.PORTABLE).build();
        Recording recording = new Recording()) {
      apply(runtime, 2);
      recording.start();
      apply(runtime, 3);
      recording.stop();
      assertThat(events(recording, PATH_COUNT))
          .filteredOn(event -> event.getString("runtime").equals(runtime.id()))
          .extracting(event -> event.getLong("count"))
          .containsExactly(2L, 5L);
    }
  }

  @Test
  void reportsAndResetsDoNotDisturb() throws IOException {
    Path report = folder.resolve("report.json");
    try (TernaryRuntime runtime =
            TestDevice.onCpu().maxIsa(Isa.PORTABLE).pathReport(report).pathReportEvery(1).build();
        Recording recording = new Recording()) {
      recording.start();
      apply(runtime, 2);
      runtime.resetCounters();
      apply(runtime, 3);
      assertThat(runtime.pathCounts()).containsValue(3L);
      assertThat(counts(recording, runtime)).containsValue(5L);
      assertThat(report).content().contains("cpu.portable");
    }
  }

  @Test
  void theFirstFallbackOfEachReasonIsAnEvent() throws IOException {
    try (TernaryRuntime runtime = TestDevice.onCpu().build();
        Recording recording = new Recording()) {
      recording.start();
      ObservabilityTest.fallBack(runtime, 3);
      assertThat(events(recording, "org.ternarykernels.Fallback"))
          .extracting(event -> event.getString("path") + ":" + event.getString("reason"))
          .containsExactlyInAnyOrderElementsOf(runtime.fallbackCounts().keySet());
    }
  }
}
