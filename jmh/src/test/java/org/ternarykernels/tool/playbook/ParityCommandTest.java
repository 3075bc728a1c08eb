package org.ternarykernels.tool.playbook;

import static org.assertj.core.api.Assertions.assertThat;
import static org.ternarykernels.tool.cli.ModelCommandsTest.assertFailure;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ternarykernels.tool.cli.ToolRun;

/** tiny-bitnet on two backends. */
class ParityCommandTest {
  @TempDir Path folder;

  private static Object[] parity(Object... more) {
    List<Object> words = new ArrayList<>(List.of("parity", "--model", ToolRun.MODEL));
    words.addAll(List.of(more));
    return words.toArray();
  }

  @Test
  void backendsOfTheSameBitsWriteTheSameTokens() throws Exception {
    Path out = folder.resolve("out");
    Path json = folder.resolve("parity.json");
    ToolRun run =
        ToolRun.of(
            parity(
                "--a",
                "cpu",
                "--b",
                "CPU,isa:portable,threads:1",
                "--tokens",
                6,
                "--prompt",
                "@import os",
                "--prompt",
                "def ",
                "--prompt-tokens",
                "105,109,112",
                "--batch",
                4,
                "--out-dir",
                out,
                "--json",
                json));
    assertThat(run.exitCode()).as(run.err()).isZero();
    JsonNode result = ToolRun.json(json);
    assertThat(result.get("command").asText()).isEqualTo("parity");
    assertThat(result.get("complete").asBoolean()).isTrue();
    assertThat(result.get("parity_passed").asBoolean()).isTrue();
    assertThat(result.get("backends"))
        .extracting(JsonNode::asText)
        .containsExactly("cpu", "CPU,isa:portable,threads:1");
    assertThat(result.get("rows")).hasSize(3);
    for (JsonNode row : result.get("rows")) {
      assertThat(row.get("same").asBoolean()).isTrue();
      assertThat(row.get("first_mismatch").isNull()).isTrue();
      assertThat(row.get("logits_apart").asDouble()).isZero();
      assertThat(row.get("ids_a")).hasSize(6).isEqualTo(row.get("ids_b"));
    }
    assertThat(result.at("/path_counts/1").fieldNames())
        .toIterable()
        .isNotEmpty()
        .allMatch(path -> path.endsWith(".portable"));
    assertThat(run.out().lines()).hasSize(5).allMatch(line -> line.length() <= 80);
    assertThat(Files.readAllLines(out.resolve("summary.csv"))).hasSize(4);
    assertThat(Files.readAllLines(out.resolve("rows.jsonl"))).hasSize(3);
    assertThat(ToolRun.json(out.resolve("config.json")).at("/options/prompt").toString())
        .isEqualTo("[\"@import os\",\"def \"]");
    LoadCommandTest.assertAnonymous(out);
  }

  /** The continuation that another implementation wrote. */
  @Test
  void theTextIsTheGreedyOne() throws Exception {
    JsonNode reference = ToolRun.json(ToolRun.MODEL.resolve("reference.json")).at("/greedy/0");
    Path json = folder.resolve("parity.json");
    ToolRun run =
        ToolRun.of(
            parity("--prompt", reference.get("prompt").asText(), "--tokens", 20, "--json", json));
    assertThat(run.exitCode()).as(run.err()).isZero();
    StringBuilder text = new StringBuilder();
    ToolRun.json(json).at("/rows/0/ids_a").forEach(id -> text.append((char) id.asInt()));
    assertThat(text.toString()).isEqualTo(reference.get("greedy").asText().substring(0, 20));
  }

  /** With 16-bit activations the built-in prompts go on otherwise, sooner or later. */
  @Test
  void otherTokensAreAFailureThatIsNamed() throws Exception {
    Path json = folder.resolve("parity.json");
    ToolRun run = ToolRun.of(parity("--b", "activation:a16", "--tokens", 100, "--json", json));
    assertThat(run.exitCode()).isEqualTo(1);
    JsonNode result = ToolRun.json(json);
    assertThat(result.get("parity_passed").asBoolean()).isFalse();
    assertThat(result.get("rows")).as("built-in prompts").hasSizeGreaterThan(3);
    int different = 0;
    for (JsonNode row : result.get("rows")) {
      if (!row.get("same").asBoolean()) {
        different++;
        int at = row.get("first_mismatch").asInt();
        for (int i = 0; i < at; i++) {
          assertThat(row.get("ids_a").get(i)).isEqualTo(row.get("ids_b").get(i));
        }
        assertThat(row.get("ids_a").get(at)).isEqualTo(row.get("id_a"));
        assertThat(row.get("ids_b").get(at)).isEqualTo(row.get("id_b"));
        assertThat(row.get("id_a")).isNotEqualTo(row.get("id_b"));
        double gaps = row.get("gap_a").asDouble() + row.get("gap_b").asDouble();
        assertThat(gaps).isPositive().isLessThanOrEqualTo(2 * row.get("logits_apart").asDouble());
      }
    }
    assertThat(different).isPositive();
    assertThat(run.out()).contains("no parity: " + different + " of ");
  }

  @Test
  void aRunIsGoneOnWith() throws Exception {
    Path out = folder.resolve("out");
    Object[] words = parity("--tokens", 2, "--out-dir", out);
    assertThat(ToolRun.of(words).exitCode()).isZero();
    List<String> rows = Files.readAllLines(out.resolve("rows.jsonl"));
    Files.writeString(out.resolve("rows.jsonl"), rows.get(0) + "\n" + rows.get(1).substring(0, 9));
    List<Object> again = new ArrayList<>(List.of(words));
    again.add("--resume");
    assertThat(ToolRun.of(again.toArray()).exitCode()).isZero();
    assertThat(Files.readAllLines(out.resolve("rows.jsonl"))).isEqualTo(rows);
  }

  @Test
  void wrongArgumentsAreNamed() {
    assertFailure(ToolRun.of(parity("--a", "tpu")), 2, "--a", "\"tpu\" must be one of");
    assertFailure(ToolRun.of(parity("--b", "threads:9999")), 2, "--b", "9999");
    assertFailure(ToolRun.of(parity("--tokens", 0)), 2, "--tokens is 0, must be at least 1");
    assertFailure(ToolRun.of(parity("--batch", 0)), 2, "--batch is 0");
    assertFailure(ToolRun.of(parity("--prompt-tokens", "1,,2")), 2, "--prompt-tokens is \"1,,2\"");
    assertFailure(
        ToolRun.of(parity("--prompt-tokens", "1,128")),
        2,
        "--prompt-tokens is with token 128, must be of tokens below 128");
    assertFailure(ToolRun.of(parity("--prompt", "")), 2, "--prompt is empty");
    assertFailure(
        ToolRun.of(parity("--prompt", "abc", "--tokens", 510)), 2, "--tokens is 510", "509");
    assertFailure(ToolRun.of("parity"), 2, "--model");
  }
}
