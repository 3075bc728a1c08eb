package org.ternarykernels.tool.playbook;

import static org.assertj.core.api.Assertions.assertThat;
import static org.ternarykernels.tool.cli.ModelCommandsTest.assertFailure;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.tool.cli.ToolRun;

/** Ternary beside dense on small shapes. */
class HybridCommandTest {
  @TempDir Path folder;
  private Path shapes;
  private Path json;
  private Path settings;

  @BeforeEach
  void writeShapes() throws Exception {
    shapes = Files.writeString(folder.resolve("small.txt"), "192 64 qkv\n64 128 o\n");
    json = folder.resolve("hybrid.json");
    settings = folder.resolve("settings.txt");
  }

  private Object[] hybrid(Object... more) {
    List<Object> words = new ArrayList<>(List.of("hybrid", "--shapes", shapes, "--seconds", 0.01));
    words.addAll(List.of("--memory", "Resident", "--m", "4,1", "--json", json));
    words.addAll(List.of(more));
    return words.toArray();
  }

  /** What a runtime reads from the file. */
  private static String threshold(Path file) throws Exception {
    try (TernaryRuntime runtime = TernaryRuntime.builder().settings(file).build()) {
      JsonNode all = new ObjectMapper().readTree(runtime.infoJson()).get("settings");
      JsonNode one =
          StreamSupport.stream(all.spliterator(), false)
              .filter(setting -> setting.get("name").asText().equals("TERNARY_PREFILL_SKIP_M"))
              .findFirst()
              .orElseThrow();
      assertThat(one.get("origin").asText()).isEqualTo("file");
      return one.get("value").asText();
    }
  }

  @Test
  void everyShapeAndNumberOfRowsIsARow() throws Exception {
    Path out = folder.resolve("out");
    ToolRun run = ToolRun.of(hybrid("--settings", settings, "--out-dir", out));
    assertThat(run.exitCode()).as(run.out() + run.err()).isZero();
    JsonNode result = ToolRun.json(json);
    assertThat(result.get("command").asText()).isEqualTo("hybrid");
    assertThat(result.get("complete").asBoolean()).isTrue();
    assertThat(result.get("force").isNull()).isTrue();
    assertThat(result.get("failed").asInt()).isZero();
    assertThat(result.get("rows"))
        .extracting(row -> row.get("shape").asText() + " " + row.get("M").asInt())
        .containsExactly("qkv 1", "qkv 4", "o 1", "o 4");
    int ternary = 0;
    int dense = 0;
    for (JsonNode row : result.get("rows")) {
      assertInterval(row, "ternary", "_ns");
      assertInterval(row, "dense", "_ns");
      assertInterval(row, "ratio", "");
      String expected =
          row.get("ratio_low").asDouble() > 1
              ? "ternary"
              : row.get("ratio_high").asDouble() < 1 ? "dense" : "same";
      assertThat(row.get("winner").asText()).isEqualTo(expected);
      ternary += expected.equals("ternary") ? 1 : 0;
      dense += expected.equals("dense") ? 1 : 0;
      assertThat(row.get("ternary_path").asText()).startsWith("linear.").contains(".cpu.");
      assertThat(row.get("dense_path").asText()).startsWith("oneDNN ");
      assertThat(row.get("model_ns").isNull()).as("there is no model of CPUs").isTrue();
    }
    assertThat(result.at("/counts/ternary").asInt()).isEqualTo(ternary);
    assertThat(result.at("/counts/dense").asInt()).isEqualTo(dense);
    assertThat(result.get("crossovers")).hasSize(2);
    assertThat(result.get("disagreements")).isEmpty();
    assertThat(threshold(settings)).isEqualTo(result.get("threshold_m").asText());
    assertThat(Files.readString(settings)).contains("# qkv: ").contains("# o: ");
    assertThat(result.get("settings_file").asText()).isEqualTo(settings.toString());
    assertThat(run.out())
        .contains("CPUs check it and do not use it")
        .contains("TERNARY_SETTINGS=" + settings);
    assertThat(run.out().lines().filter(line -> !line.contains(folder.toString())))
        .allMatch(line -> line.length() <= 80);
    assertThat(Files.readAllLines(out.resolve("summary.csv"))).hasSize(5);
    assertThat(Files.readAllLines(out.resolve("rows.jsonl"))).hasSize(4);
    LoadCommandTest.assertAnonymous(out);
  }

  private static void assertInterval(JsonNode row, String name, String unit) {
    double value = row.get(name + unit).asDouble();
    assertThat(value).isPositive();
    assertThat(row.get(name + "_low" + unit).asDouble()).isPositive().isLessThanOrEqualTo(value);
    assertThat(row.get(name + "_high" + unit).asDouble()).isGreaterThanOrEqualTo(value);
  }

  @Test
  void aSideThatIsForcedIsMeasuredAloneAndDeclared() throws Exception {
    for (Map.Entry<String, String> side : Map.of("ternary", "0", "Dense", "1").entrySet()) {
      ToolRun run = ToolRun.of(hybrid("--force", side.getKey(), "--settings", settings));
      assertThat(run.exitCode()).as(run.out() + run.err()).isZero();
      String forced = side.getKey().toLowerCase(Locale.ROOT);
      String other = forced.equals("dense") ? "ternary" : "dense";
      JsonNode result = ToolRun.json(json);
      assertThat(result.get("force").asText()).isEqualTo(forced);
      assertThat(result.at("/counts/" + forced).asInt()).isEqualTo(4);
      assertThat(result.at("/counts/" + other).asInt()).isZero();
      for (JsonNode row : result.get("rows")) {
        assertInterval(row, forced, "_ns");
        assertThat(row.get(other + "_ns").isNull()).isTrue();
        assertThat(row.get("winner").isNull()).as("nothing was compared").isTrue();
      }
      assertThat(threshold(settings)).isEqualTo(side.getValue());
      assertThat(Files.readString(settings)).contains("forced to " + forced).doesNotContain("win");
    }
  }

  @Test
  void aRunIsGoneOnWith() throws Exception {
    Path out = folder.resolve("out");
    assertThat(ToolRun.of(hybrid("--out-dir", out)).exitCode()).isZero();
    List<String> rows = Files.readAllLines(out.resolve("rows.jsonl"));
    Files.writeString(out.resolve("rows.jsonl"), rows.get(0) + "\n" + rows.get(1) + "\n{\"sh");
    ToolRun run = ToolRun.of(hybrid("--out-dir", out, "--resume"));
    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(Files.readAllLines(out.resolve("rows.jsonl")))
        .hasSize(4)
        .startsWith(rows.get(0), rows.get(1));
    assertThat(ToolRun.json(out.resolve("result.json")).get("rows")).hasSize(4);
  }

  @Test
  void shapesOfExpertsAreLeftOut() throws Exception {
    Files.writeString(shapes, "64 128 o\n256 64 expert_gate_up\n64 128 expert_down\n");
    ToolRun run = ToolRun.of(hybrid("--force", "ternary"));
    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(ToolRun.json(json).get("rows")).hasSize(2);
    assertThat(run.out()).contains("Shapes of experts are left out");
    Files.writeString(shapes, "256 64 expert_gate_up\n64 128 expert_down\n");
    assertFailure(ToolRun.of(hybrid()), 2, "--shapes is of experts alone");
  }

  @Test
  void wrongArgumentsAreNamed() throws Exception {
    assertFailure(ToolRun.of(hybrid("--m", "0")), 2, "--m is 0");
    assertFailure(ToolRun.of(hybrid("--force", "both")), 2, "--force", "both");
    assertFailure(ToolRun.of("hybrid", "--seconds", 0), 2, "--seconds is 0");
    assertFailure(ToolRun.of("hybrid", "--shapes", "nowhere"), 2, "--shapes is nowhere");
    assertFailure(ToolRun.of("hybrid", "--model", ToolRun.MODEL), 2, "--model");
    Path none = folder.resolve("none").resolve("settings.txt");
    assertFailure(ToolRun.of(hybrid("--settings", none)), 2, "--settings is " + none);
    Files.writeString(shapes, "64 128 o\n64 256 o\n");
    assertFailure(ToolRun.of(hybrid()), 2, "--shapes is a list with a name twice");
  }
}
