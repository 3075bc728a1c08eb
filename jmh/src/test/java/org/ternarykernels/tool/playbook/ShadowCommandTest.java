package org.ternarykernels.tool.playbook;

import static org.assertj.core.api.Assertions.assertThat;
import static org.ternarykernels.tool.cli.ModelCommandsTest.assertFailure;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ternarykernels.tool.cli.ToolRun;

/** Steps of small stacks that are computed again, and reports of what differed. */
class ShadowCommandTest {
  @TempDir Path folder;
  private Path shapes;
  private Path out;
  private Path json;

  @BeforeEach
  void writeShapes() throws Exception {
    shapes =
        Files.writeString(
            folder.resolve("small.txt"), "192 64 qkv\n64 128 o\n256 64 gate_up\n64 128 down\n");
    out = folder.resolve("out");
    json = folder.resolve("shadow.json");
  }

  private Object[] shadow(Object... more) {
    List<Object> words = new ArrayList<>(List.of("shadow", "--shapes", shapes, "--layers", 2));
    words.addAll(List.of(more));
    words.addAll(List.of("--json", json));
    return words.toArray();
  }

  private static void assertCounts(JsonNode result, int sampled, int different, int written) {
    assertThat(result.get("complete").asBoolean()).isTrue();
    assertThat(result.get("sampled").asInt()).isEqualTo(sampled);
    assertThat(result.get("unsampled").asInt()).isZero();
    assertThat(result.get("different").asInt()).isEqualTo(different);
    assertThat(result.get("written").asInt()).isEqualTo(written);
    assertThat(result.get("failed").asInt()).isZero();
  }

  /** Eight calls a step. */
  @Test
  void theOracleAndOtherIsasFindNothing() throws Exception {
    for (String by : List.of("oracle", "PORTABLE", "cpu")) {
      ToolRun run = ToolRun.of(shadow("--by", by, "--every", 3, "--steps", 3, "--m", "1,5"));
      assertThat(run.exitCode()).as(run.err()).isZero();
      assertCounts(ToolRun.json(json), 8, 0, 0);
      assertThat(run.out()).contains(by.toLowerCase(Locale.ROOT) + " computed 8 calls again");
      assertThat(ToolRun.json(json).get("rows")).isEmpty();
    }
  }

  @Test
  void gatesAreForTheCountsOfAllCalls() throws Exception {
    Path rules =
        Files.writeString(
            folder.resolve("gates.yaml"),
            "gates:\n- {name: enough, metric: sampled, min: 4}\n"
                + "- {name: nothing differs, metric: different, max: 0}\n");
    ToolRun run = ToolRun.of(shadow("--every", 2, "--steps", 1, "--m", "1", "--gate", rules));
    assertThat(run.exitCode()).as(run.err()).isZero();
    Files.writeString(rules, "gates:\n- {name: enough, metric: sampled, min: 5}\n");
    run = ToolRun.of(shadow("--every", 2, "--steps", 1, "--m", "1", "--gate", rules));
    assertThat(run.exitCode()).as(run.err()).isEqualTo(1);
    assertThat(ToolRun.json(json).at("/gates/0/verdict").asText()).isEqualTo("failed");
  }

  @Test
  void aFolderHasAllOfARun() throws Exception {
    ToolRun run = ToolRun.of(shadow("--every", 1, "--steps", 1, "--out-dir", out));
    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(out.resolve("divergences.jsonl")).isEmptyFile();
    assertThat(out.resolve("rows.jsonl")).isEmptyFile();
    assertThat(Files.readAllLines(out.resolve("summary.csv"))).hasSize(1);
    assertThat(Files.readString(out.resolve("summary.txt"))).startsWith("oracle computed 8 calls");
    assertThat(ToolRun.json(out.resolve("result.json")).get("sampled").asInt()).isEqualTo(8);
    LoadCommandTest.assertAnonymous(out);
    ToolRun report = ToolRun.of("shadow", "--report", out);
    assertThat(report.exitCode()).as(report.err()).isZero();
    assertThat(report.out()).isEqualTo("0 calls differ, 0 lines cannot be read, in 1 files\n");
  }

  @Test
  void aDenseProductIsWithinItsBound() throws Exception {
    for (String activation : List.of("a8", "a8:32", "a16")) {
      ToolRun run = ToolRun.of(shadow("--by", "dense", "--every", 1, "--activation", activation));
      assertThat(run.exitCode()).as(run.out() + run.err()).isZero();
      assertCounts(ToolRun.json(json), 64, 0, 0);
    }
  }

  @Test
  void aBoundThatCannotBeMetIsADivergence() throws Exception {
    ToolRun run =
        ToolRun.of(
            shadow(
                "--by",
                "dense",
                "--bound-factor",
                0,
                "--every",
                1,
                "--steps",
                2,
                "--max-diffs",
                5,
                "--out-dir",
                out));
    assertThat(run.exitCode()).isEqualTo(1);
    JsonNode result = ToolRun.json(json);
    assertCounts(result, 16, 16, 5);
    assertThat(result.get("rows")).hasSize(5);
    assertThat(result.at("/rows/0/op").asText()).isEqualTo("rmsnorm_linear");
    assertThat(result.at("/rows/0/N").asInt()).isEqualTo(192);
    assertThat(result.at("/rows/0/by").asText()).isEqualTo("dense");
    assertThat(Files.readAllLines(out.resolve("divergences.jsonl")))
        .isEqualTo(Files.readAllLines(out.resolve("rows.jsonl")))
        .hasSize(5);
    assertThat(run.out()).contains("16 differ").contains("rmsnorm_linear.");
    assertThat(run.out().lines()).allMatch(line -> line.length() <= 80);
    // calls: two of qkv, and one of each other shape
    assertThat(Files.readAllLines(out.resolve("summary.csv"))).hasSizeGreaterThan(3);
    LoadCommandTest.assertAnonymous(out);
    assertThat(ToolRun.of("shadow", "--report", out).exitCode()).isEqualTo(1);
    Object[] again =
        shadow("--by", "dense", "--bound-factor", 0, "--every", 1, "--steps", 2, "--max-diffs", 5);
    List<Object> resumed = new ArrayList<>(List.of(again));
    resumed.addAll(List.of("--out-dir", out, "--resume"));
    assertThat(ToolRun.of(resumed.toArray()).exitCode()).isEqualTo(1);
    assertThat(Files.readAllLines(out.resolve("divergences.jsonl"))).hasSize(5);
    assertThat(Files.readAllLines(out.resolve("rows.jsonl"))).hasSize(5);
  }

  /** A dense product has no experts; the oracle has. */
  @Test
  void callsThatDenseCannotComputeAreCounted() throws Exception {
    Files.writeString(shapes, "64 64 o\n128 64 expert_gate_up\n64 64 expert_down\n");
    Path sizes = Files.writeString(folder.resolve("sizes.yaml"), "{experts: 4, active: 2}");
    for (String by : List.of("dense", "oracle")) {
      ToolRun run = ToolRun.of(shadow("--sizes", sizes, "--by", by, "--every", 1, "--steps", 3));
      assertThat(run.exitCode()).as(run.err()).isZero();
      boolean dense = by.equals("dense");
      assertThat(ToolRun.json(json).get("sampled").asInt()).isEqualTo(dense ? 6 : 12);
      assertThat(ToolRun.json(json).get("unsampled").asInt()).isEqualTo(dense ? 6 : 0);
    }
  }

  @Test
  void realModelsAreComputedAgain() throws Exception {
    for (String model : List.of("tiny-bitnet", "tiny-mangrove")) {
      ToolRun run =
          ToolRun.of(
              "shadow",
              "--model",
              ToolRun.TEST_DATA.resolve(model),
              "--every",
              2,
              "--steps",
              2,
              "--m",
              "1,3",
              "--json",
              json);
      assertThat(run.exitCode()).as(run.err()).isZero();
      assertThat(ToolRun.json(json).get("sampled").asInt()).isGreaterThan(4);
    }
  }

  private static String line(String path, int m, String rel, int different) {
    return "{\"op\":\"linear\",\"M\":"
        + m
        + ",\"N\":64,\"K\":32,\"activation\":\"A8\",\"layout\":\"i2s_tiled\",\"path\":\"linear."
        + path
        + ".cpu.avx2\",\"by\":\"oracle\",\"worst_row\":0,\"max_abs\":"
        + rel
        + ",\"max_rel\":"
        + rel
        + ",\"different\":"
        + different
        + ",\"elements\":64}\n";
  }

  @Test
  void aReportSumsUpByPathAndShapeAndShowsTheWorst() throws Exception {
    Path one = Files.createDirectory(folder.resolve("one"));
    Path two = Files.createDirectory(folder.resolve("two"));
    Files.writeString(one.resolve("a.jsonl"), line("x", 1, "0.5", 3) + line("x", 2, "2", 1));
    Files.writeString(one.resolve("b.jsonl"), line("x", 1, "0.25", 4));
    Files.writeString(two.resolve("c.jsonl"), line("y", 1, "null", 2) + "{\"op\":1}\n");
    ToolRun run = ToolRun.of("shadow", "--report", one, two, "--top", 2, "--json", json);
    assertThat(run.exitCode()).isEqualTo(1);
    assertThat(run.sentences())
        .containsExactly(two.resolve("c.jsonl") + ", line 2: op is 1, must be text");
    JsonNode result = ToolRun.json(json);
    assertThat(result.get("divergences").asInt()).isEqualTo(4);
    assertThat(result.get("malformed").asInt()).isEqualTo(1);
    assertThat(result.get("rows")).hasSize(2);
    assertThat(result.at("/rows/0/max_rel").isNull()).as("what is not finite is worst").isTrue();
    assertThat(result.at("/rows/1/max_rel").asDouble()).isEqualTo(2);
    assertThat(result.get("groups")).hasSize(3);
    JsonNode last = result.at("/groups/2");
    assertThat(last.get("path").asText()).isEqualTo("linear.x.cpu.avx2");
    assertThat(last.get("M").asInt()).isEqualTo(1);
    assertThat(last.get("calls").asInt()).isEqualTo(2);
    assertThat(last.get("different").asInt()).isEqualTo(7);
    assertThat(last.get("elements").asInt()).isEqualTo(128);
    assertThat(last.get("max_rel").asDouble()).isEqualTo(0.5);
    assertThat(result.at("/folders/0/files").asInt()).isEqualTo(2);
    assertThat(result.at("/folders/1/malformed").asInt()).isEqualTo(1);
    assertThat(run.out()).endsWith("4 calls differ, 1 lines cannot be read, in 3 files\n");
  }

  @Test
  void aFolderWithoutDataIsWrongUnlessItMayBe() throws Exception {
    Path empty = Files.createDirectory(folder.resolve("empty"));
    Path one = Files.createDirectory(folder.resolve("one"));
    Files.writeString(one.resolve("a.jsonl"), "");
    assertFailure(
        ToolRun.of("shadow", "--report", one, empty),
        2,
        "--report is " + empty,
        "must be a folder");
    Path nowhere = folder.resolve("nowhere");
    assertFailure(ToolRun.of("shadow", "--report", nowhere), 2, "--report is " + nowhere);
    ToolRun run =
        ToolRun.of("shadow", "--report", one, empty, nowhere, "--allow-missing", "--json", json);
    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(run.sentences()).hasSize(2);
    assertThat(ToolRun.json(json).at("/folders/0/missing").asBoolean()).isFalse();
    assertThat(ToolRun.json(json).at("/folders/1/missing").asBoolean()).isTrue();
    assertThat(ToolRun.json(json).at("/folders/2/missing").asBoolean()).isTrue();
  }

  @Test
  void wrongArgumentsAreNamed() {
    assertFailure(ToolRun.of("shadow", "--by", "gpu"), 2, "TERNARY_SHADOW", "gpu");
    assertFailure(ToolRun.of("shadow", "--by", ""), 2, "--by is empty");
    assertFailure(ToolRun.of("shadow", "--every", 0), 2, "--every is 0");
    assertFailure(ToolRun.of("shadow", "--steps", 0), 2, "--steps is 0");
    assertFailure(ToolRun.of("shadow", "--max-diffs", -1), 2, "--max-diffs is -1");
    assertFailure(ToolRun.of("shadow", "--m", "1,65"), 2, "--m is 65, must be 1 to 64");
    assertFailure(ToolRun.of("shadow", "--top", 3), 2, "--top is 3, must be beside --report");
    assertFailure(ToolRun.of("shadow", "--allow-missing"), 2, "--allow-missing", "--report");
    assertFailure(ToolRun.of("shadow", "--bound-factor", 1), 2, "--bound-factor", "--by dense");
    assertFailure(ToolRun.of("shadow", "--shapes", "nowhere"), 2, "--shapes is nowhere");
    assertFailure(
        ToolRun.of("shadow", "--by", "dense", "--model", ToolRun.MODEL), 2, "--by is dense");
  }
}
