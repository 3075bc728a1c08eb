package org.ternarykernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ternarykernels.micrometer.TernaryMetrics;

/** What a runtime tells about itself: logs, flight recorder events, meters. */
class ObservabilityTest {
  private static final String PATH = "linear.gemm_a8_i2s.cpu.amx";

  /**
   * Weights kept in I2S, which only the portable kernels read: every call falls back where there is
   * another kernel.
   */
  private static void fallBack(TernaryRuntime runtime, int calls) {
    try (TernaryWeights packed = TernaryWeights.pack(new byte[16 * 64], 16, 64, Alpha.tensor(1));
        TernaryWeights weights = packed.repack(Layout.I2S);
        TernaryLinear linear = TernaryLinear.builder(runtime, weights).build()) {
      for (int i = 0; i < calls; i++) {
        linear.apply(new float[64], 1);
      }
    }
  }

  private static long lines(String text, String part) {
    return text.lines().filter(line -> line.contains(part)).count();
  }

  @Test
  void parsesCounters() {
    CountersJson.Counters counters =
        CountersJson.parse(
            "{\"pid\":1,\"more\":{\"a\":[1]},\"path_counts\":{\"p\":3},"
                + "\"fallback_counts\":{\""
                + PATH
                + ":layout\":9007199254740993}}");
    assertThat(counters.paths()).isEqualTo(Map.of("p", 3L));
    assertThat(counters.fallbacks()).isEqualTo(Map.of(PATH + ":layout", 9007199254740993L));
    assertThatThrownBy(() -> CountersJson.parse("{\"path_counts\":{"))
        .isInstanceOf(TernaryException.class);
    assertThatThrownBy(() -> counters.paths().put("x", 1L))
        .isInstanceOf(UnsupportedOperationException.class);
  }

  @Test
  void logsTheFirstFallbackOfEachReasonOnce() {
    PrintStream before = System.err;
    ByteArrayOutputStream log = new ByteArrayOutputStream();
    Map<String, Long> fallbacks;
    System.setErr(new PrintStream(log, true, StandardCharsets.UTF_8));
    try (TernaryRuntime runtime = TestDevice.onCpu().build()) {
      fallBack(runtime, 3);
      fallbacks = runtime.fallbackCounts();
    } finally {
      System.setErr(before);
    }
    assertThat(fallbacks)
        .isNotEmpty()
        .allSatisfy((key, count) -> assertThat(key).endsWith(":layout"));
    String text = log.toString(StandardCharsets.UTF_8);
    assertThat(lines(text, "refused a problem")).isEqualTo(fallbacks.size());
    for (String fallback : fallbacks.keySet()) {
      String path = fallback.substring(0, fallback.lastIndexOf(':'));
      assertThat(lines(text, "Kernel " + path + " refused a problem (layout)")).isEqualTo(1);
    }
  }

  @Test
  void aTuningFileThatCannotServeIsLoggedOnceAndNamed(@TempDir Path folder) throws IOException {
    Path file = Files.writeString(folder.resolve("tuning.txt"), "version=0.0.1\nend=1\n");
    String sentence = "TERNARY_TUNING: " + file + ", line 1: version is \"0.0.1\"";
    PrintStream before = System.err;
    ByteArrayOutputStream log = new ByteArrayOutputStream();
    System.setErr(new PrintStream(log, true, StandardCharsets.UTF_8));
    try (TernaryRuntime runtime = TestDevice.onCpu().tuning(file).build()) {
      runtime.infoJson();
      assertThat(TuningLog.error(runtime.infoJson())).startsWith(sentence);
      fallBack(runtime, 1);
    } finally {
      System.setErr(before);
    }
    String text = log.toString(StandardCharsets.UTF_8);
    assertThat(lines(text, sentence)).isEqualTo(1);
    assertThat(lines(text, "WARN")).isGreaterThanOrEqualTo(1);
    try (TernaryRuntime runtime = TestDevice.onCpu().tuning(Path.of("")).build()) {
      assertThat(TuningLog.error(runtime.infoJson())).isEmpty();
    }
  }

  @Test
  void readsTheErrorOfTheTuning() {
    assertThat(TuningLog.error("{\"a\":{\"error\":\"x\"},\"tuning\":{\"f\":[1],\"error\":\"y\"}}"))
        .isEqualTo("y");
    assertThat(TuningLog.error("{\"a\":{\"error\":\"x\"},\"tuning\":{}}")).isEmpty();
    assertThatThrownBy(() -> TuningLog.error("{\"tuning\":")).isInstanceOf(TernaryException.class);
  }

  @Test
  void recordsPathsAndFirstFallbacks(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("recording.jfr");
    try (Recording recording = new Recording();
        TernaryRuntime runtime = TestDevice.onCpu().build()) {
      recording.enable("org.ternarykernels.PathCount").with("period", "endChunk");
      recording.enable("org.ternarykernels.Fallback");
      recording.start();
      fallBack(runtime, 3);
      recording.stop();
      recording.dump(file);
      List<RecordedEvent> events = RecordingFile.readAllEvents(file);
      for (Map.Entry<String, Long> path : runtime.pathCounts().entrySet()) {
        assertThat(events)
            .anyMatch(
                event ->
                    event.getEventType().getName().equals("org.ternarykernels.PathCount")
                        && event.getString("runtime").equals(runtime.id())
                        && event.getString("path").equals(path.getKey())
                        && event.getLong("count") == path.getValue());
      }
      for (String fallback : runtime.fallbackCounts().keySet()) {
        assertThat(events)
            .filteredOn(
                event ->
                    event.getEventType().getName().equals("org.ternarykernels.Fallback")
                        && fallback.equals(
                            event.getString("path") + ":" + event.getString("reason")))
            .hasSize(1);
      }
    }
  }

  @Test
  void bindsMeters() {
    SimpleMeterRegistry registry = new SimpleMeterRegistry();
    TernaryRuntime runtime = TestDevice.onCpu().maxIsa(Isa.PORTABLE).build();
    new TernaryMetrics(runtime).bindTo(registry);
    assertThat(registry.get("ternary.paths").gauge().value()).isZero();
    fallBack(runtime, 4);
    assertThat(registry.get("ternary.paths").gauge().value()).isEqualTo(1);
    String path = runtime.pathCounts().keySet().iterator().next();
    assertThat(registry.get("ternary.path.calls").tag("path", path).functionCounter().count())
        .isEqualTo(4);
    fallBack(runtime, 1);
    assertThat(registry.get("ternary.path.calls").tag("path", path).functionCounter().count())
        .isEqualTo(5);
    runtime.close();
    assertThat(registry.get("ternary.paths").gauge().value()).isEqualTo(1);
    assertThatThrownBy(() -> new TernaryMetrics(null))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("runtime is null");
  }

  @Test
  void bindsMetersOfFallbacks() {
    SimpleMeterRegistry registry = new SimpleMeterRegistry();
    try (TernaryRuntime runtime = TestDevice.onCpu().build()) {
      fallBack(runtime, 2);
      new TernaryMetrics(runtime).bindTo(registry);
      runtime
          .fallbackCounts()
          .forEach(
              (fallback, count) ->
                  assertThat(
                          registry
                              .get("ternary.fallbacks")
                              .tag("path", fallback.substring(0, fallback.lastIndexOf(':')))
                              .tag("reason", "layout")
                              .functionCounter()
                              .count())
                      .isEqualTo(count.doubleValue()));
    }
  }
}
