package org.ternarykernels.tool.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.ternarykernels.tool.cli.ModelCommandsTest.assertFailure;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ternarykernels.tool.measure.DeviceClock;

/** {@code hybrid}, {@code parity} and {@code shadow} where one side is a GPU. */
@Tag("gpu")
class AgreementOnGpuTest {
  @TempDir Path folder;

  @Test
  void hybridChecksBothKernelsAndTellsTimesOfAGpuAlone() throws Exception {
    Path shapes = Files.writeString(folder.resolve("small.txt"), "64 128 qkv\n96 64 o\n");
    Path json = folder.resolve("hybrid.json");
    Path settings = folder.resolve("settings.txt");
    ToolRun run =
        ToolRun.of(
            "hybrid",
            "--device",
            "cuda",
            "--shapes",
            shapes,
            "--m",
            "1,3",
            "--seconds",
            0.01,
            "--memory",
            "resident",
            "--settings",
            settings,
            "--json",
            json);
    assertThat(run.exitCode()).as(run.out() + run.err()).isZero();
    JsonNode result = ToolRun.json(json);
    boolean timed = result.at("/environment/device_times").asBoolean();
    assertThat(run.out().contains(DeviceClock.NO_TIMES)).isNotEqualTo(timed);
    assertThat(Files.exists(settings)).isEqualTo(timed);
    assertThat(result.get("threshold_m").isNull()).isNotEqualTo(timed);
    assertThat(result.get("rows")).hasSize(4);
    for (JsonNode row : result.get("rows")) {
      boolean single = row.get("M").asInt() == 1;
      assertThat(row.get("error").isNull()).as("%s", row).isTrue();
      assertThat(row.get("ternary_ns").isNull()).isNotEqualTo(timed);
      assertThat(row.get("dense_ns").isNull()).isEqualTo(!timed || single);
      assertThat(row.get("model_ns").asDouble()).isPositive();
      assertThat(row.get("ternary_path").asText()).contains(".cuda.sm").doesNotContain("dense");
      assertThat(row.get("dense_path").asText())
          .contains(single ? "no single row" : "gemm_a8_dense.cuda.sm");
    }
    assertFailure(
        ToolRun.of("hybrid", "--device", "cuda", "--shapes", shapes, "--activation", "a16"),
        2,
        "--activation is a16");
  }

  @Test
  void aGpuWritesTheTokensOfTheCpu() throws Exception {
    Path json = folder.resolve("parity.json");
    ToolRun run =
        ToolRun.of(
            "parity",
            "--model",
            ToolRun.MODEL,
            "--a",
            "cpu",
            "--b",
            "cuda",
            "--prompt",
            "import os",
            "--tokens",
            4,
            "--json",
            json);
    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(ToolRun.json(json).at("/rows/0/logits_apart").asDouble()).isZero();
    assertThat(ToolRun.json(json).at("/path_counts/1").fieldNames())
        .toIterable()
        .isNotEmpty()
        .allMatch(path -> path.contains(".cuda.sm"));
  }

  @Test
  void callsOfAGpuAreComputedAgainAndByAGpu() throws Exception {
    Path shapes = Files.writeString(folder.resolve("small.txt"), "64 128 qkv\n96 64 o\n");
    Path json = folder.resolve("shadow.json");
    for (String[] pair : new String[][] {{"cuda", "oracle"}, {"cuda", "dense"}, {"cpu", "cuda"}}) {
      ToolRun run =
          ToolRun.of(
              "shadow",
              "--shapes",
              shapes,
              "--m",
              "1,3",
              "--steps",
              2,
              "--every",
              1,
              "--device",
              pair[0],
              "--by",
              pair[1],
              "--json",
              json);
      assertThat(run.exitCode()).as(run.out() + run.err()).isZero();
      JsonNode result = ToolRun.json(json);
      assertThat(result.get("sampled").asInt()).isEqualTo(4);
      assertThat(result.get("unsampled").asInt()).isZero();
      result
          .get("path_counts")
          .fieldNames()
          .forEachRemaining(path -> assertThat(path).contains("." + pair[0] + "."));
    }
  }
}
