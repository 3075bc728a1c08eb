package org.ternarykernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Calls that are validated, and a sample of them that is computed again, on kernels that are right.
 */
class ChecksTest {
  private static final int N = 48;
  private static final int K = 200;

  @TempDir Path folder;

  /** Products of one row, then of three; what the last one gave. */
  private static float[] apply(TernaryRuntime runtime, int calls) {
    byte[] codes = new byte[N * K];
    for (int i = 0; i < codes.length; i++) {
      codes[i] = (byte) (i % 3 - 1);
    }
    try (TernaryWeights weights = TernaryWeights.pack(codes, N, K, Alpha.tensor(0.5f));
        TernaryLinear linear = TernaryLinear.builder(runtime, weights).build()) {
      float[] y = {};
      for (int m = 1; m <= 3; m += 2) {
        float[] x = new float[m * K];
        for (int i = 0; i < x.length; i++) {
          x[i] = (i * 37 % 101 - 50) / 8f;
        }
        for (int call = 0; call < calls; call++) {
          y = linear.apply(x, m);
        }
      }
      return y;
    }
  }

  @Test
  void theFirstCallOfEachKindIsCompared() {
    try (TernaryRuntime runtime = TernaryRuntime.builder().validate(true).build();
        TernaryRuntime plain = TernaryRuntime.create()) {
      assertThat(apply(runtime, 3)).isEqualTo(apply(plain, 1));
      assertThat(runtime.validationCounts()).isEqualTo(Map.of("checked", 2L, "failed", 0L));
      apply(runtime, 3);
      assertThat(runtime.validationCounts()).isEqualTo(Map.of("checked", 2L, "failed", 0L));
      assertThat(runtime.fallbackCounts()).isEqualTo(plain.fallbackCounts());
      assertThat(plain.validationCounts()).isEmpty();
      assertThat(plain.shadowCounts()).isEmpty();
    }
  }

  @Test
  void aSampleIsComputedAgainAndAHealthyMachineHasNoLines() throws Exception {
    for (String by : new String[] {"oracle", "portable", "cpu"}) {
      Path file = folder.resolve(by + "-{pid}.jsonl");
      try (TernaryRuntime runtime =
              TernaryRuntime.builder().shadow(by).shadowEvery(4).shadowFile(file).build();
          TernaryRuntime plain = TernaryRuntime.create()) {
        assertThat(apply(runtime, 5)).isEqualTo(apply(plain, 1));
        assertThat(runtime.shadowCounts())
            .as("calls 1, 5 and 9 of 10 by %s", by)
            .isEqualTo(
                Map.of(
                    "sampled", 3L, "unsampled", 0L, "different", 0L, "written", 0L, "failed", 0L));
        runtime.resetCounters();
        assertThat(runtime.shadowCounts()).containsEntry("sampled", 3L);
        assertThat(runtime.validationCounts()).isEmpty();
      }
      Path written = folder.resolve(by + "-" + ProcessHandle.current().pid() + ".jsonl");
      assertThat(Files.readString(written)).isEmpty();
    }
  }

  @Test
  void aCallThatIsNotSampledAllocatesNothing() {
    try (TernaryRuntime runtime =
            TestDevice.onCpu().shadow("oracle").shadowEvery(1L << 40).build();
        TernaryWeights weights = TernaryWeights.pack(new byte[N * K], N, K, Alpha.tensor(1));
        TernaryLinear linear = TernaryLinear.builder(runtime, weights).build();
        TernaryBuffer x = TernaryBuffer.allocate(DataType.F32, K);
        TernaryBuffer y = TernaryBuffer.allocate(DataType.F32, N)) {
      assertThat(Allocations.ofRuns(200, () -> linear.apply(x, y, 1))).isLessThan(200);
      assertThat(runtime.shadowCounts()).containsEntry("sampled", 1L);
    }
  }

  @Test
  void settingsMayComeFromProperties() {
    System.setProperty("ternary.validate", "1");
    System.setProperty("ternary.shadow", "oracle");
    System.setProperty("ternary.shadow.every", "1");
    try (TernaryRuntime runtime = TernaryRuntime.create()) {
      apply(runtime, 1);
      assertThat(runtime.validationCounts()).containsEntry("checked", 2L);
      assertThat(runtime.shadowCounts()).containsEntry("sampled", 2L);
    } finally {
      System.clearProperty("ternary.validate");
      System.clearProperty("ternary.shadow");
      System.clearProperty("ternary.shadow.every");
    }
  }

  @Test
  void whatCannotBeHonouredIsRefused() {
    assertThatThrownBy(() -> TernaryRuntime.builder().shadow("vulkan").build())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("TERNARY_SHADOW is \"vulkan\"; it must be empty, oracle, cpu, cuda");
    assertThatThrownBy(() -> TernaryRuntime.builder().shadowEvery(0).build())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("TERNARY_SHADOW_EVERY is \"0\"");
    Path nowhere = folder.resolve("no/such/folder/s.jsonl");
    assertThatThrownBy(() -> TernaryRuntime.builder().shadowFile(nowhere).build())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("TERNARY_SHADOW_FILE is")
        .hasMessageContaining(nowhere.toString());
    assertThatThrownBy(() -> TernaryRuntime.builder().shadow(null))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("TERNARY_SHADOW is null");
  }
}
