package org.ternarykernels.tool.playbook;

import static org.assertj.core.api.Assertions.assertThat;
import static org.ternarykernels.tool.cli.ModelCommandsTest.assertFailure;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.tool.cli.ToolRun;
import org.ternarykernels.tool.output.RunFolder;

/** A sweep with processes: one profile is dead here, and one fails. */
@Timeout(240)
class SweepCommandTest {
  @TempDir Path folder;
  private Path shapes;
  private Path out;

  @BeforeEach
  void writeShapes() throws Exception {
    shapes = Files.writeString(folder.resolve("small.txt"), "192 64 qkv\n64 128 o\n");
    out = folder.resolve("out");
  }

  private ToolRun sweep(Object... more) {
    List<Object> words = new ArrayList<>(List.of("sweep", "--shapes", shapes, "--mix", "1x3"));
    words.addAll(List.of("--tokens", 2, "--requests", 2, "--users", 1, "--warmup", 1));
    words.addAll(List.of(more));
    return ToolRun.of(words.toArray());
  }

  @Test
  void oneProfileIsDeadAndOneFails() throws Exception {
    Path yaml =
        Files.writeString(
            folder.resolve("mine.yaml"),
            "profiles:\n- {name: fails, purpose: p, expected: e, env: {TERNARY_MAX_SCRATCH: 1}}\n");
    Path json = folder.resolve("sweep.json");
    Path settings = folder.resolve("settings.txt");
    ToolRun run =
        sweep(
            "--profiles",
            yaml,
            "--only",
            "split2,no_fused_rmsnorm_qkv,fails",
            "--out-dir",
            out,
            "--json",
            json,
            "--keep-pareto",
            settings);
    assertThat(run.exitCode()).as(run.err() + run.out()).isEqualTo(1);
    JsonNode result = ToolRun.json(json);
    assertThat(result.get("rows")).hasSize(4 * 3);
    for (JsonNode row : result.get("rows")) {
      boolean fails = row.get("profile").asText().equals("fails");
      assertThat(row.get("status").asText()).isEqualTo(fails ? "failed" : "ok");
      assertThat(Files.readString(out.resolve(row.get("log").asText()))).isNotEmpty();
      if (fails) {
        assertThat(row.get("why").asText()).startsWith("exit code 1: ");
      } else {
        assertThat(row.get("m1_p50").asDouble()).isPositive();
        assertThat(row.get("cmax_users").asInt()).isEqualTo(1);
        assertThat(row.get("c16_tps").isNull()).isTrue();
      }
    }
    assertThat(result.get("summary").findValuesAsText("effect"))
        .containsExactly("", "none", "yes", "null");
    assertThat(run.out()).contains("no effect", "failed 3x");
    assertThat(run.out().lines()).allMatch(line -> line.length() <= 80 || line.contains(" in "));
    assertThat(Files.readAllLines(out.resolve("summary.csv")).get(0))
        .startsWith("profile,m1_p50,m1_p95,m1_tps,c1_tps,c16_tps,cmax_tps,c1_p50,cmax_p50,failed");
    try (TernaryRuntime runtime = TernaryRuntime.builder().settings(settings).build()) {
      assertThat(runtime.infoJson()).contains("TERNARY_SETTINGS");
    }
    ToolRun again =
        sweep(
            "--profiles",
            yaml,
            "--only",
            "split2,no_fused_rmsnorm_qkv,fails",
            "--out-dir",
            out,
            "--keep-pareto",
            folder.resolve("other.txt"),
            "--resume");
    assertThat(again.exitCode()).isEqualTo(1); // the failed ones stay, and nothing is run
    assertThat(Files.readAllLines(out.resolve("rows.jsonl"))).hasSize(12);
  }

  @Test
  void aDryRunListsAndLeavesNothing() throws Exception {
    Path json = folder.resolve("dry.json");
    ToolRun run = sweep("--dry-run", "--out-dir", out, "--json", json);
    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(run.out()).contains("baseline.1", "no_pdl.3", "needs a GPU", "threads_1.2", "<60");
    assertThat(run.out().lines()).allMatch(line -> line.length() <= 80);
    assertThat(out.resolve("config.json")).doesNotExist();
    JsonNode rows = ToolRun.json(json).get("rows");
    assertThat(rows.findValuesAsText("id"))
        .contains("baseline.3", "split8.1")
        .doesNotHaveDuplicates();
    assertThat(rows.get(0).get("seconds_at_most").asDouble()).isEqualTo(60);
    assertThat(sweep("--dry-run", "--only", "T5").out()).contains("t5.1").doesNotContain("split2");
  }

  @Test
  void whatTheMachineLacksIsARow() throws Exception {
    Path yaml =
        Files.writeString(
            folder.resolve("layout.yaml"),
            "profiles:\n"
                + "- {name: other_layout, purpose: p, expected: e, options: {layout: t5_tiled}}\n");
    Path model = Path.of(System.getProperty("test.data"), "tiny-bitnet");
    ToolRun run =
        ToolRun.of(
            List.of(
                    "sweep",
                    "--model",
                    model,
                    "--mix",
                    "1x3",
                    "--tokens",
                    2,
                    "--requests",
                    1,
                    "--users",
                    1,
                    "--warmup",
                    1,
                    "--profiles",
                    yaml,
                    "--only",
                    "other_layout",
                    "--out-dir",
                    out)
                .toArray());
    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(run.out()).contains("other_layout was not run: a model's layout cannot be set");
    for (JsonNode rows :
        List.of(
            ToolRun.json(out.resolve("result.json")).get("rows"),
            new ObjectMapper().valueToTree(RunFolder.rows(out)))) {
      assertThat(rows.findValuesAsText("status"))
          .containsExactlyInAnyOrder("ok", "ok", "ok", "missing");
      assertThat(rows.findValuesAsText("why")).contains("a model's layout cannot be set");
    }
  }

  @Test
  void wrongArgumentsAreNamed() throws Exception {
    assertFailure(sweep("--rounds", 2), 2, "--rounds is 2", "3 to 100");
    assertFailure(sweep("--only", "split3"), 2, "--only is split3", "split2");
    assertFailure(sweep("--failed-only"), 2, "--failed-only", "--resume");
    assertFailure(sweep("--profiles", "none.yaml"), 2, "no such file: none.yaml");
    Path yaml = Files.writeString(folder.resolve("bad.yaml"), "profiles: {a: [}\n");
    assertFailure(sweep("--profiles", yaml), 2, "bad.yaml, line 1: ");
  }
}
