package org.ternarykernels.tool.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code decode} and {@code perplexity} of a mixture of experts. */
class MangroveCommandsTest {
  private static final Path MODEL = ToolRun.TEST_DATA.resolve("tiny-mangrove");

  @TempDir Path folder;

  @Test
  void decodeWritesTheReferencesText() throws Exception {
    JsonNode entry = ToolRun.json(MODEL.resolve("reference.json")).get("prompts").get(3);
    String prompt = entry.get("prompt").asText();
    Path json = folder.resolve("decode.json");
    ToolRun run =
        ToolRun.of(
            "decode",
            "--model",
            MODEL,
            "--prompt",
            prompt,
            "--tokens",
            entry.get("safe").asInt(),
            "--activation",
            "a16",
            "--json",
            json);
    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(run.err()).isEmpty();
    assertThat(ToolRun.json(json).get("text").asText())
        .isEqualTo(entry.get("greedy").asText().substring(0, entry.get("safe").asInt()));
    assertThat(ToolRun.json(json).get("path_counts").toString())
        .contains("moe_gate_up.", "moe_down.", "router.", "qk_norm.");
  }

  @Test
  void perplexityTakesActivationsByBlock() throws Exception {
    Path text = folder.resolve("part.txt");
    byte[] all = Files.readAllBytes(ToolRun.MODEL.resolve("text.txt"));
    Files.write(text, Arrays.copyOf(all, 301));
    Path json = folder.resolve("result.json");
    double[] bits = new double[3];
    String[] activations = {"a8", "a8:128", "a16"};
    for (int i = 0; i < bits.length; i++) {
      ToolRun run =
          ToolRun.of(
              "perplexity",
              "--model",
              MODEL,
              "--text",
              text,
              "--activation",
              activations[i],
              "--json",
              json);
      assertThat(run.exitCode()).as(run.err()).isZero();
      bits[i] = ToolRun.json(json).get("bits_per_byte").asDouble();
      assertThat(ToolRun.json(json).get("path_counts").toString().contains(".block128."))
          .isEqualTo(i == 1);
    }
    assertThat(Arrays.stream(bits).distinct().count()).as("%s", Arrays.toString(bits)).isEqualTo(3);
  }
}
