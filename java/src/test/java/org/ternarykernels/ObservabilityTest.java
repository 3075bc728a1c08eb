package org.ternarykernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ternarykernels.internal.observation.CountersJson;
import org.ternarykernels.internal.observation.Observation;
import org.ternarykernels.internal.observation.TuningLog;

/** What a runtime tells about itself: counters and logs. */
class ObservabilityTest {
  private static final String PATH = "linear.gemm_a8_i2s.cpu.amx";

  /**
   * Weights kept in I2S, which only the portable kernels read: every call falls back where there is
   * another kernel.
   */
  static void fallBack(TernaryRuntime runtime, int calls) {
    try (TernaryWeights packed = TernaryWeights.pack(new byte[16 * 64], 16, 64, Alpha.tensor(1));
        TernaryWeights weights = packed.repack(Layout.I2S);
        TernaryLinear linear = TernaryLinear.builder(runtime, weights).build()) {
      for (int i = 0; i < calls; i++) {
        linear.apply(new float[64], 1);
      }
    }
  }

  @Test
  void parsesCounters() {
    CountersJson.Counters counters =
        CountersJson.parse(
            "{\"pid\":1,\"more\":{\"a\":[1]},\"path_counts\":{\"p\":3},"
                + "\"fallback_counts\":{\""
                + PATH
                + ":layout\":9007199254740993},\"path_totals\":{\"p\":4},\"fallback_totals\":{\"f\":5},\"stage_nanoseconds\":{\"moe_gate\":6},\"report_error\":\"the"
                + " \\\"file\\\"\",\"validation\":{\"checked\":2,\"failed\":1},\"shadow\":{\"sampled\":7},\"shadow_error\":\"no"
                + " disk\"}");
    assertThat(counters.paths()).isEqualTo(Map.of("p", 3L));
    assertThat(counters.fallbacks()).isEqualTo(Map.of(PATH + ":layout", 9007199254740993L));
    assertThat(counters.pathTotals()).isEqualTo(Map.of("p", 4L));
    assertThat(counters.fallbackTotals()).isEqualTo(Map.of("f", 5L));
    assertThat(counters.stageNanoseconds()).isEqualTo(Map.of("moe_gate", 6L));
    assertThat(counters.reportError()).isEqualTo("the \"file\"");
    assertThat(counters.validation()).isEqualTo(Map.of("checked", 2L, "failed", 1L));
    assertThat(counters.shadow()).isEqualTo(Map.of("sampled", 7L));
    assertThat(counters.shadowError()).isEqualTo("no disk");
    assertThat(CountersJson.parse("{\"pid\":1}").reportError()).isEmpty();
    assertThatThrownBy(() -> CountersJson.parse("{\"path_counts\":{"))
        .isInstanceOf(TernaryException.class);
    assertThatThrownBy(() -> counters.paths().put("x", 1L))
        .isInstanceOf(UnsupportedOperationException.class);
  }

  @Test
  void logsTheFirstFallbackOfEachReasonOnce() {
    try (ErrorStream log = new ErrorStream();
        TernaryRuntime runtime = TestDevice.onCpu().build()) {
      fallBack(runtime, 2);
      runtime.resetCounters();
      fallBack(runtime, 1);
      Map<String, Long> fallbacks = runtime.fallbackCounts();
      assertThat(fallbacks)
          .isNotEmpty()
          .allSatisfy((key, count) -> assertThat(key).endsWith(":layout"));
      assertThat(log.lines("refused a problem")).isEqualTo(fallbacks.size());
      for (String fallback : fallbacks.keySet()) {
        String path = fallback.substring(0, fallback.lastIndexOf(':'));
        assertThat(log.lines("Kernel " + path + " refused a problem (layout)")).isEqualTo(1);
      }
    }
  }

  @Test
  void aTuningFileThatCannotServeIsLoggedOnceAndNamed(@TempDir Path folder) throws IOException {
    Path file = Files.writeString(folder.resolve("tuning.txt"), "version=0.0.1\nend=1\n");
    String sentence = "TERNARY_TUNING: " + file + ", line 1: version is \"0.0.1\"";
    try (ErrorStream log = new ErrorStream();
        TernaryRuntime runtime = TestDevice.onCpu().tuning(file).build()) {
      runtime.infoJson();
      assertThat(TuningLog.error(runtime.infoJson())).startsWith(sentence);
      fallBack(runtime, 1);
      assertThat(log.lines(sentence)).isEqualTo(1);
      assertThat(log.lines("WARN")).isGreaterThanOrEqualTo(1);
    }
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

  /** Users configure the log by it. */
  @Test
  void theLogHasTheNameOfThePublicClass() {
    assertThat(Observation.LOGGER).isEqualTo(TernaryRuntime.class.getName());
  }
}
