package org.ternarykernels.tool.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.withinPercentage;
import static org.ternarykernels.tool.cli.ModelCommandsTest.assertFailure;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The main job on the real model, with small layers instead of a 2B model's. */
class QuickstartCommandTest {
  @TempDir Path folder;

  @Test
  void writesTextMeasuresItAndTimesAndChecksLayers() throws Exception {
    Path json = folder.resolve("quickstart.json");
    ToolRun run = ToolRun.of("quickstart", "--test-data", testData(), "--json", json);
    assertThat(run.exitCode()).as(run.out() + run.err()).isZero();
    JsonNode result = ToolRun.json(json);
    assertThat(result.get("text").asText()).contains("    ").hasSizeGreaterThan(200);
    assertThat(run.out()).contains(result.get("text").asText()).contains("bits per byte");
    assertThat(result.get("bits_per_byte").asDouble()).isBetween(1.1, 3.0);
    JsonNode layers = result.get("layers");
    assertThat(layers).hasSize(4);
    for (JsonNode layer : layers) {
      assertThat(layer.get("within_bound").asBoolean()).isTrue();
      assertThat(layer.get("path").asText()).startsWith("linear.");
      assertThat(layer.get("micros").asDouble()).isPositive();
      assertThat(layer.get("gops").asDouble() * layer.get("micros").asDouble() * 1e3)
          .isCloseTo(
              2.0 * layer.get("m").asInt() * layer.get("n").asInt() * layer.get("k").asInt(),
              withinPercentage(1e-6));
      assertThat(layer.get("baseline").asText()).startsWith("oneDNN");
      assertThat(run.out()).contains(layer.get("path").asText());
    }
    assertThat(layers.findValuesAsText("shape")).containsExactly("a", "a", "b", "b");
    assertThat(result.get("counters").get("path_counts")).isNotEmpty();
  }

  /** The trained model with 600 bytes of text, and two shape files of one small layer each. */
  private Path testData() throws Exception {
    Path model = Files.createDirectories(folder.resolve("data/tiny-bitnet"));
    for (String name : new String[] {"config.json", "model.safetensors"}) {
      Files.copy(ToolRun.MODEL.resolve(name), model.resolve(name));
    }
    Files.write(
        model.resolve("text.txt"),
        Arrays.copyOf(Files.readAllBytes(ToolRun.MODEL.resolve("text.txt")), 600));
    Path shapes = Files.createDirectories(folder.resolve("data/shapes"));
    Files.writeString(shapes.resolve("bitnet-2b-4t.txt"), "96 200 a\n");
    Files.writeString(shapes.resolve("qwen3-30b-a3b.txt"), "33 130 b\n99999 99999 lm_head\n");
    return folder.resolve("data");
  }

  @Test
  void missingTestDataAreNamed() {
    assertFailure(ToolRun.of("quickstart", "--test-data", folder.resolve("nowhere")), 1, "nowhere");
  }
}
