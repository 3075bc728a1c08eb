package org.ternarykernels.tool.playbook;

import static org.assertj.core.api.Assertions.assertThat;
import static org.ternarykernels.tool.cli.ModelCommandsTest.assertFailure;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.ternarykernels.tool.cli.ToolRun;

/** How many users small layers carry. */
@Timeout(120)
class CapacityCommandTest {
  @TempDir Path folder;
  private Path shapes;
  private Path sizes;

  @BeforeEach
  void writeShapes() throws Exception {
    shapes = Files.writeString(folder.resolve("small.txt"), "192 64 qkv\n64 128 o\n");
    sizes =
        Files.writeString(
            folder.resolve("small.yaml"), "{layers: 2, kv_heads: 1, head_dim: 64, context: 100}");
  }

  private ToolRun capacity(Object... more) {
    List<Object> words =
        new ArrayList<>(List.of("capacity", "--shapes", shapes, "--sizes", sizes, "--batch", 8));
    words.addAll(List.of("--mix", "1x5", "--tokens", 3, "--requests", 6));
    words.addAll(List.of(more));
    return ToolRun.of(words.toArray());
  }

  @Test
  void ternaryAndDenseAreBesideEachOther() throws Exception {
    Path json = folder.resolve("c.json");
    Path out = folder.resolve("out");
    ToolRun run =
        capacity(
            "--ttft-ms",
            1000,
            "--itl-ms",
            1000,
            "--most-users",
            3,
            "--json",
            json,
            "--out-dir",
            out);
    assertThat(run.exitCode()).as(run.err()).isZero();
    JsonNode result = ToolRun.json(json);
    assertThat(result.at("/largest_users/ternary").asInt()).isEqualTo(3);
    assertThat(result.at("/largest_users/dense").asInt()).isEqualTo(3);
    assertThat(result.get("rows").findValuesAsText("kind"))
        .containsExactly("ternary", "ternary", "ternary", "dense", "dense", "dense");
    assertThat(result.get("rows").findValuesAsText("users"))
        .containsExactly("1", "2", "3", "1", "2", "3");
    for (JsonNode row : result.get("rows")) {
      assertThat(row.get("meets").asBoolean()).isTrue();
      assertThat(row.get("kv_tokens").asInt()).isEqualTo(8);
      assertThat(row.get("kv_bytes").asInt()).isEqualTo(8 * 2 * 2 * 64 * 2);
      assertThat(row.get("kv_ok").asBoolean()).isTrue();
    }
    assertThat(run.out()).contains("largest: ternary 3 users, dense 3 users, of 3 tried");
    assertThat(run.out().lines()).allMatch(line -> line.length() <= 80);
    assertThat(Files.readAllLines(out.resolve("summary.csv"))).hasSize(7);
    LoadCommandTest.assertAnonymous(out);
  }

  @Test
  void aGateThatFailsIsAFailure() throws Exception {
    Path rules =
        Files.writeString(
            folder.resolve("gates.yaml"),
            "gates:\n- {name: soon, metric: ttft_p95_ns, where: {kind: ternary}, max: 1}\n");
    ToolRun run = capacity("--ttft-ms", 1000, "--itl-ms", 1000, "--most-users", 1, "--gate", rules);
    assertThat(run.exitCode()).as(run.err()).isEqualTo(1);
    assertThat(run.out()).contains("soon", "failed");
  }

  @Test
  void limitsThatNobodyMeetsAreAFailure() throws Exception {
    Path json = folder.resolve("c.json");
    ToolRun run = capacity("--ttft-ms", 1e-6, "--itl-ms", 1, "--most-users", 4, "--json", json);
    assertThat(run.exitCode()).isEqualTo(1);
    JsonNode result = ToolRun.json(json);
    assertThat(result.at("/largest_users/ternary").asInt()).isZero();
    assertThat(result.get("rows").get(0).get("meets").asBoolean()).isFalse();
  }

  @Test
  void withoutRoomForTheirTextsThereAreNoUsers() throws Exception {
    Files.writeString(sizes, "{layers: 1, kv_heads: 1000000, head_dim: 1000000, context: 100}");
    Path json = folder.resolve("c.json");
    ToolRun run = capacity("--ttft-ms", 1000, "--itl-ms", 1000, "--most-users", 2, "--json", json);
    assertThat(run.exitCode()).isEqualTo(1);
    JsonNode row = ToolRun.json(json).get("rows").get(0);
    assertThat(row.get("kv_bytes").asLong()).isEqualTo(32_000_000_000_000L);
    assertThat(row.get("kv_ok").asBoolean()).isFalse();
    assertThat(row.get("failed").asInt()).isZero();
  }

  @Test
  void wrongArgumentsAreNamed() {
    assertFailure(ToolRun.of("capacity", "--itl-ms", 1), 2, "--ttft-ms");
    assertFailure(capacity("--ttft-ms", 0, "--itl-ms", 1), 2, "--ttft-ms is 0");
    assertFailure(
        capacity("--ttft-ms", 1, "--itl-ms", 1, "--most-users", 0), 2, "--most-users is 0");
  }
}
