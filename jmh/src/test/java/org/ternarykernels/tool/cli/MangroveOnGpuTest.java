package org.ternarykernels.tool.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A mixture of experts with {@code --device cuda}: text and bits of the CPU. */
@Tag("gpu")
class MangroveOnGpuTest {
  private static final Path MODEL = ToolRun.TEST_DATA.resolve("tiny-mangrove");

  @TempDir Path folder;

  private ToolRun decode(String device, String activation, Path json) {
    return ToolRun.of(
        "decode",
        "--model",
        MODEL,
        "--prompt",
        "def main(",
        "--tokens",
        8,
        "--temperature",
        0.9,
        "--seed",
        5,
        "--activation",
        activation,
        "--device",
        device,
        "--json",
        json);
  }

  @ParameterizedTest
  @ValueSource(strings = {"a8", "a8:128"})
  void tinyMangroveDecodesTheSameTextAsOnTheCpu(String activation) throws Exception {
    Path json = folder.resolve("decode.json");
    ToolRun cpu = decode("cpu", activation, json);
    String text = ToolRun.json(json).get("text").asText();
    ToolRun gpu = decode("cuda", activation, json);
    assertThat(gpu.err()).isEmpty();
    assertThat(gpu).isEqualTo(cpu);
    JsonNode result = ToolRun.json(json);
    assertThat(result.get("text").asText()).hasSize(8).isEqualTo(text);
    JsonNode paths = result.get("path_counts");
    assertThat(paths.toString()).contains("moe_gate_up.", "moe_down.", "router.");
    paths.fieldNames().forEachRemaining(path -> assertThat(path).contains(".cuda.sm"));
  }

  @Test
  void bitsPerByteAreThoseOfTheCpu() throws Exception {
    byte[] all = Files.readAllBytes(ToolRun.MODEL.resolve("text.txt"));
    Path text = Files.write(folder.resolve("part.txt"), Arrays.copyOf(all, 49));
    Path json = folder.resolve("p.json");
    double[] bits = new double[2];
    for (int i = 0; i < 2; i++) {
      ToolRun run =
          ToolRun.of(
              "perplexity",
              "--model",
              MODEL,
              "--text",
              text,
              "--batch",
              48,
              "--device",
              i == 0 ? "cpu" : "cuda",
              "--json",
              json);
      assertThat(run.exitCode()).as(run.err()).isZero();
      bits[i] = ToolRun.json(json).get("bits_per_byte").asDouble();
    }
    assertThat(bits[1]).isPositive().isEqualTo(bits[0]);
  }
}
