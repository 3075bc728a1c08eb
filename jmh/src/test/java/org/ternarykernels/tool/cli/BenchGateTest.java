package org.ternarykernels.tool.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.ternarykernels.tool.cli.ModelCommandsTest.assertFailure;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ternarykernels.tool.output.RunFolder;

/** {@code bench --out-dir}, {@code --resume}, {@code --gate} and {@code --baseline}. */
class BenchGateTest {
  @TempDir Path folder;
  private Path shapes;

  @BeforeEach
  void writeShapes() throws IOException {
    shapes = Files.writeString(folder.resolve("two.txt"), "64 96 a\n40 70 b\n");
  }

  private ToolRun bench(Object... more) {
    List<Object> words =
        new ArrayList<>(List.of("bench", "--shapes", shapes, "--m", "1,3", "--threads", 1));
    words.addAll(List.of("--op", "linear", "--memory", "resident", "--layout", "i2s_tiled"));
    words.addAll(List.of("--seconds", 0.01));
    words.addAll(List.of(more));
    return ToolRun.of(words.toArray());
  }

  private Path gates(String text) throws IOException {
    return Files.writeString(folder.resolve("gates.yaml"), text);
  }

  private JsonNode result(Path run) throws IOException {
    return ToolRun.json(run.resolve("result.json"));
  }

  /** The baseline's times, made longer or shorter: what a change of the code would be. */
  private static void scale(Path run, double factor) throws IOException {
    StringBuilder lines = new StringBuilder();
    for (JsonNode row : RunFolder.rows(run)) {
      ObjectNode changed = (ObjectNode) row;
      for (String field : List.of("ns", "ns_low", "ns_high")) {
        changed.put(field, row.get(field).asDouble() * factor);
      }
      lines.append(changed).append('\n');
    }
    Files.writeString(run.resolve("rows.jsonl"), lines);
  }

  @Test
  void aChangeBeyondTheGateFails() throws Exception {
    Path base = folder.resolve("base");
    Path out = folder.resolve("out");
    ToolRun first = bench("--out-dir", base);
    assertThat(first.exitCode()).as(first.err()).isZero();
    scale(base, 1e-3); // so that this run is a thousand times slower than its baseline
    Path gates =
        gates(
            """
            gates:
              - {name: no slower, metric: ns, where: {M: 1}, ratio: {max: 1.5}}
              - {name: some speed, metric: gops, min: 1e-9}
            """);
    ToolRun run = bench("--out-dir", out, "--gate", gates, "--baseline", base);
    assertThat(run.exitCode()).as(run.err()).isEqualTo(1);
    JsonNode verdicts = result(out).get("gates");
    assertThat(verdicts.findValuesAsText("verdict"))
        .containsExactly("failed", "failed", "ok", "ok", "ok", "ok");
    JsonNode failed = verdicts.get(0);
    assertThat(failed.get("row").asText())
        .startsWith("op=linear activation=a8 group=0 shape=two/a N=64 K=96 M=1 layout=i2s_tiled ");
    assertThat(failed.get("change").asDouble())
        .isEqualTo(failed.get("value").asDouble() / failed.get("baseline").asDouble());
    assertThat(run.out())
        .containsPattern("failed +no slower +two/a M=1 ")
        .contains("FAILED no slower: ns is ")
        .contains("4 ok, 0 same, 2 failed");
    assertThat(run.out().lines()).allMatch(line -> line.length() <= 80);
    assertThat(Files.readString(out.resolve("summary.txt")))
        .contains("linear a", "FAILED no slower");
    assertThat(Files.readAllLines(out.resolve("summary.csv")))
        .hasSize(5)
        .first()
        .asString()
        .startsWith("op,activation,group,shape,N,K,M,layout,");
  }

  @Test
  void aFinishedRunIsJudgedAgainWithoutMeasuring() throws Exception {
    Path out = folder.resolve("out");
    assertThat(bench("--out-dir", out).exitCode()).isZero();
    JsonNode rows = result(out).get("rows");
    Path gates = gates("gates: [{name: at once, metric: ns, max: 0}]");
    ToolRun run = bench("--out-dir", out, "--resume", "--gate", gates);
    assertThat(run.exitCode()).as(run.err()).isEqualTo(1);
    assertThat(result(out).get("rows")).isEqualTo(rows);
    assertThat(RunFolder.rows(out)).hasSize(4);
    assertThat(result(out).get("gates")).hasSize(4);
    ToolRun same =
        bench("--out-dir", folder.resolve("again"), "--baseline", out); // shows the change alone
    assertThat(same.exitCode()).as(same.err()).isZero();
    assertThat(result(folder.resolve("again")).get("gates").findValuesAsText("gate"))
        .containsOnly("change");
  }

  @Test
  void onResumeOnlyMissingRowsAreMeasured() throws Exception {
    Path out = folder.resolve("out");
    assertThat(bench("--out-dir", out).exitCode()).isZero();
    List<JsonNode> before = RunFolder.rows(out);
    Files.writeString(
        out.resolve("rows.jsonl"), before.get(0) + "\n" + before.get(2) + "\n{\"op\": \"lin");
    ToolRun run = bench("--out-dir", out, "--resume");
    assertThat(run.exitCode()).as(run.err()).isZero();
    JsonNode after = result(out).get("rows");
    assertThat(after).hasSize(4);
    assertThat(after.get(0)).isEqualTo(before.get(0));
    assertThat(after.get(2)).isEqualTo(before.get(2));
    assertThat(after.get(1).get("M").asInt()).isEqualTo(3);
    assertThat(after.get(1).get("ns")).isNotEqualTo(before.get(1).get("ns"));
    assertThat(RunFolder.rows(out)).hasSize(4);
    assertThat(result(out).get("complete").asBoolean()).isTrue();
  }

  @Test
  void nothingTellsWhereItRan() throws Exception {
    Path out = folder.resolve("out");
    Path gates = gates("gates: [{name: some speed, metric: gops, min: 1e-9}]");
    assertThat(bench("--out-dir", out, "--gate", gates).exitCode()).isZero();
    try (var files = Files.list(out)) {
      for (Path file : files.toList()) {
        assertThat(Files.readString(file)).doesNotContain(folder.toString());
      }
    }
  }

  /** Before any work: the folder stays empty, so that the same call can be made again. */
  private void assertRefused(String[] words, Object... options) throws IOException {
    Path out = folder.resolve("refused");
    List<Object> all = new ArrayList<>(List.of(options));
    all.addAll(List.of("--out-dir", out));
    assertFailure(bench(all.toArray()), 2, words);
    assertThat(out.resolve("config.json")).doesNotExist();
  }

  @Test
  void whatCannotJudgeIsRefusedBeforeTheWork() throws Exception {
    assertRefused(
        new String[] {"gates.yaml, line 1: there is no gate"}, "--gate", gates("gates: []"));
    assertRefused(
        new String[] {"gates.yaml, line 1", "\"a\" has no metric"},
        "--gate",
        gates("gates: [{name: a, max: 3}]"));
    assertRefused(
        new String[] {"gate \"never\": no row is matched, where is {M=[2]}"},
        "--gate",
        gates("gates: [{name: never, metric: ns, max: 3, where: {M: 2}}]"));
    assertRefused(new String[] {"no such file"}, "--gate", folder.resolve("none.yaml"));
    assertRefused(
        new String[] {"--baseline is", "must be the --out-dir of an earlier run"},
        "--baseline",
        folder);
    ToolRun late = bench("--gate", gates("gates: [{name: a, metric: speed, min: 1}]"));
    assertThat(late.exitCode()).isEqualTo(2); // measured, so that a line of progress may be there
    assertThat(late.sentences()[late.sentences().length - 1])
        .contains("no row has the metric speed; there are", "gbps", "ratio_to_limit");
  }

  @Test
  void aBaselineOfOtherRowsIsRefusedBeforeTheWork() throws Exception {
    Path base = folder.resolve("base");
    assertThat(bench("--out-dir", base).exitCode()).isZero();
    Path rows = base.resolve("rows.jsonl");
    String text = Files.readString(rows);
    Files.writeString(rows, text.replaceFirst("\"M\":3", "\"M\":7"));
    assertRefused(
        new String[] {"gate \"all\": the baseline has no row op=linear", "M=3"},
        "--baseline",
        base,
        "--gate",
        gates("gates: [{name: all, metric: ns, ratio: {max: 9}}]"));
    Files.writeString(rows, text.replaceAll("\"M\":\\d", "\"M\":7"));
    assertRefused(new String[] {"which has none of these rows"}, "--baseline", base);
  }

  @Test
  void aBaselineOfAnotherCpuIsRefused() throws Exception {
    Path base = folder.resolve("base");
    assertThat(bench("--out-dir", base).exitCode()).isZero();
    Path file = base.resolve("environment.json");
    ObjectNode environment = (ObjectNode) ToolRun.json(file);
    String here = environment.get("cpu_family_model_stepping").asText();
    environment.put("cpu_family_model_stepping", "1/2/3");
    Files.writeString(file, environment.toString());
    assertRefused(new String[] {"another CPU", "1/2/3", "here is", here}, "--baseline", base);
    environment.put("cpu_family_model_stepping", here);
    environment.putObject("gpu").put("name", "H200").put("capability", "9.0");
    Files.writeString(file, environment.toString());
    assertRefused(
        new String[] {"another GPU: H200 (compute capability 9.0), here is none"},
        "--baseline",
        base);
  }
}
