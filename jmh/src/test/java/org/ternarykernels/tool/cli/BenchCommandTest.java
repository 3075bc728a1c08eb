package org.ternarykernels.tool.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.withinPercentage;
import static org.ternarykernels.tool.cli.ModelCommandsTest.assertFailure;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ternarykernels.tool.bench.BenchPlan;

class BenchCommandTest {
  private static final List<String> FIELDS =
      List.of(
          "op",
          "shape",
          "N",
          "K",
          "M",
          "layout",
          "isa",
          "path",
          "threads",
          "memory",
          "copies",
          "copies_complete",
          "rows_checked",
          "ns",
          "ns_low",
          "ns_high",
          "ns_error",
          "rounds",
          "coverage",
          "gbps",
          "gops",
          "limit",
          "limit_ns",
          "ratio_to_limit",
          "ratio_to_limit_low",
          "ratio_to_limit_high");

  @TempDir Path folder;

  @Test
  void rowsAreCompleteAndConsistent() throws Exception {
    Path shapes = Files.writeString(folder.resolve("two.txt"), "96 200 a\n33 130\n");
    Path json = folder.resolve("bench.json");
    ToolRun run =
        ToolRun.of(
            "bench",
            "--shapes",
            shapes,
            "--m",
            5,
            "--threads",
            2,
            "--memory",
            "resident",
            "--seconds",
            0.01,
            "--json",
            json);
    assertThat(run.exitCode()).as(run.out() + run.err()).isZero();
    JsonNode result = ToolRun.json(json);
    assertThat(result.get("complete").asBoolean()).isTrue();
    assertSaysWhenAndHow(result, "ternary bench --shapes " + shapes + " --m 5 --threads 2");
    for (String name :
        List.of("cpu_model", "isa", "caches", "cores", "governor", "jdk", "version", "knobs")) {
      assertThat(result.get("environment").has(name)).as(name).isTrue();
    }
    JsonNode rows = result.get("rows");
    int perProblem = 3 * BenchPlan.layoutsInUse().size() + 1;
    assertThat(rows).hasSize(2 * perProblem);
    for (JsonNode row : rows) {
      check(row);
      String line = line(run.out(), row);
      assertThat(line)
          .as(row.toString())
          .contains(cell(row, "ns", 1e-3), cell(row, "ns_error", 1e-3));
      assertThat(line)
          .matches(".* " + String.format("%.2f", row.get("ratio_to_limit").asDouble()) + " .*");
    }
    assertThat(run.out()).contains("Left out at this width, and in JSON and CSV: ", "limit.");
    assertThat(run.out().lines()).allMatch(line -> line.length() <= 80);
    assertThat(rows.findValuesAsText("shape").stream().distinct())
        .containsExactly("two/a", "two/33x130");
  }

  /** The line of a row in the table. */
  private static String line(String out, JsonNode row) {
    String op = row.get("op").asText();
    String shape = row.get("shape").asText().replaceFirst(".*/", "");
    String layout = row.get("layout").isNull() ? "-" : row.get("layout").asText();
    String begin = op + " " + (layout.equals("-") ? "K " + row.get("K").asText() : shape);
    List<String> lines =
        out.lines()
            .filter(
                line ->
                    line.matches(
                        Pattern.quote(begin)
                            + " +"
                            + row.get("M").asText()
                            + "  "
                            + layout
                            + " .*"))
            .toList();
    assertThat(lines).as(begin).hasSize(1);
    return lines.get(0);
  }

  private static String cell(JsonNode row, String field, double scale) {
    return String.format(Locale.ROOT, "%.1f", row.get(field).asDouble() * scale);
  }

  @Test
  void blocksTakeTurnsWithAScaleAToken() throws Exception {
    Path shapes = Files.writeString(folder.resolve("one.txt"), "64 256 a\n");
    Path json = folder.resolve("bench.json");
    ToolRun run =
        ToolRun.of(
            "bench",
            "--shapes",
            shapes,
            "--m",
            "1",
            "--threads",
            1,
            "--memory",
            "resident",
            "--layout",
            "i2s_tiled",
            "--op",
            "linear,quantise_activations",
            "--activation",
            "a8,a8:64",
            "--group",
            128,
            "--seconds",
            0.01,
            "--json",
            json);
    assertThat(run.exitCode()).as(run.out() + run.err()).isZero();
    assertThat(run.out()).contains("a8: the time of a scale a token / ours.", "linear a8:64 g128");
    JsonNode rows = ToolRun.json(json).get("rows");
    assertThat(rows).hasSize(4);
    for (JsonNode row : rows) {
      boolean blocks = row.get("activation").asText().equals("a8:64");
      assertThat(row.has("ratio_to_a8")).isEqualTo(blocks);
      assertThat(row.get("path").asText().contains(".block64.")).isEqualTo(blocks);
      if (blocks) {
        assertThat(row.get("ratio_to_a8_low").asDouble())
            .isPositive()
            .isLessThanOrEqualTo(row.get("ratio_to_a8").asDouble());
        assertThat(row.get("a8_what").asText()).isEqualTo("a scale a token, 1 thread");
      }
    }
  }

  @Test
  void withoutAGpuTheModelAloneIsPrintedAndSaidSo() throws Exception {
    Path shapes = Files.writeString(folder.resolve("one.txt"), "2560 2560 o\n");
    Path json = folder.resolve("bench.json");
    ToolRun run =
        ToolRun.of(
            "bench", "--shapes", shapes, "--m", "1,8", "--device", "cuda:63", "--json", json);
    assertThat(run.exitCode()).isEqualTo(1);
    assertThat(run.out())
        .contains("No GPU was measured: TERNARY_DEVICE is \"cuda:63\"")
        .containsPattern("linear o +8  i2s_tiled  H100 +\\d+\\.\\d\\d ");
    JsonNode result = ToolRun.json(json);
    assertThat(result.get("complete").asBoolean()).isFalse();
    assertSaysWhenAndHow(result, "ternary bench --shapes " + shapes + " --m 1,8 --device cuda:63");
    assertThat(result.get("rows")).hasSize(6 * 2 * BenchPlan.layoutsInUse().size());
    for (JsonNode row : result.get("rows")) {
      assertThat(row.get("predicted_ns").asDouble()).isPositive();
      assertThat(row.has("ns")).isFalse();
    }
    ModelCommandsTest.assertFailure(
        ToolRun.of("bench", "--device", "tpu"), 2, "--device is \"tpu\"");
    ModelCommandsTest.assertFailure(
        ToolRun.of("bench", "--device", "cuda", "--threads", 2), 2, "--threads, --isa or");
  }

  /** What the picture of a benchmark needs besides its rows. */
  private static void assertSaysWhenAndHow(JsonNode result, String command) {
    LocalDate today = LocalDate.now(ZoneOffset.UTC);
    assertThat(LocalDate.parse(result.get("date").asText()))
        .isBetween(today.minusDays(1), today); // a run may last past midnight
    assertThat(result.get("command").asText()).startsWith(command);
  }

  private static void check(JsonNode row) {
    for (String field : FIELDS) {
      assertThat(row.has(field)).as(field).isTrue();
    }
    assertThat(row.has("error")).isFalse();
    double ns = row.get("ns").asDouble();
    assertThat(ns).isBetween(row.get("ns_low").asDouble(), row.get("ns_high").asDouble());
    assertThat(row.get("rounds").asInt()).isGreaterThanOrEqualTo(7);
    assertThat(row.get("limit").asText())
        .matches("(l1|l2|l3|memory) read, 2 threads|.* (int8 peak|tile loads), 2 threads");
    assertThat(row.get("ratio_to_limit").asDouble()).isPositive();
    assertThat(row.get("path").asText())
        .startsWith(row.get("op").asText().replace("_a16", "") + ".");
    assertThat(row.get("rows_checked").asInt()).isEqualTo(row.get("M").asInt());
    boolean product = !row.get("op").asText().equals("quantise_activations");
    assertThat(row.get("gops").isNull()).isEqualTo(!product);
    if (!product) {
      return;
    }
    assertThat(row.get("gops").asDouble() * ns)
        .isCloseTo(
            2.0 * row.get("M").asInt() * row.get("N").asInt() * row.get("K").asInt(),
            withinPercentage(1e-6));
    for (String rival : List.of("bf16", "f32", "int8", "portable")) {
      for (String end : List.of("", "_low", "_high")) {
        assertThat(row.get("ratio_to_" + rival + end).asDouble()).as(rival).isPositive();
      }
      assertThat(row.get(rival + "_what").asText())
          .matches("(bf16|f32|.8\\*s8 to ...|portable), . threads?");
    }
    assertThat(row.has("ratio_to_linear"))
        .isEqualTo(row.get("op").asText().equals("rmsnorm_linear"));
  }

  @Test
  void wrongArgumentsAreNamed() throws Exception {
    assertFailure(ToolRun.of("bench", "--m", "1,0"), 2, "--m is 0");
    assertFailure(ToolRun.of("bench", "--m", "x"), 2, "--m", "'x'");
    assertFailure(ToolRun.of("bench", "--threads", "0"), 2, "--threads is 0");
    assertFailure(ToolRun.of("bench", "--isa", "sse9"), 2, "sse9", "portable, avx2");
    assertFailure(ToolRun.of("bench", "--layout", "columns"), 2, "columns", "I2S_TILED");
    assertFailure(ToolRun.of("bench", "--op", "softmax"), 2, "softmax", "RMSNORM_LINEAR");
    assertFailure(ToolRun.of("bench", "--activation", "a4"), 2, "activation is \"a4\"");
    assertFailure(ToolRun.of("bench", "--activation", "a16"), 2, "--activation is a16", "a8:B");
    assertFailure(ToolRun.of("bench", "--group", "33"), 2, "--group is 33", "multiple of 32");
    assertFailure(
        ToolRun.of("bench", "--group", "64", "--activation", "a8:96"),
        2,
        "--activation is a8:96",
        "64");
    assertFailure(ToolRun.of("bench", "--memory", "disk"), 2, "disk", "STREAMING");
    assertFailure(ToolRun.of("bench", "--seconds", "0"), 2, "--seconds is 0");
    assertFailure(ToolRun.of("bench", "--quick", "--m", "1"), 2, "--quick");
    assertFailure(ToolRun.of("bench", "--profile", "QUICK", "--m", "1"), 2, "--profile quick");
    assertFailure(ToolRun.of("bench", "--profile", "full", "--quick"), 2, "--profile is full");
    assertFailure(ToolRun.of("bench", "--profile", "short"), 2, "--profile", "short");
    assertFailure(
        ToolRun.of("bench", "--shapes", folder.resolve("none.txt")),
        2,
        "--shapes is",
        "none.txt",
        "bonsai-8b");
    Path shapes = Files.writeString(folder.resolve("wrong.txt"), "16 16\n16 x\n");
    assertFailure(ToolRun.of("bench", "--shapes", shapes), 2, "wrong.txt, line 2", "16 x");
  }

  @Test
  void anInterruptedRunLeavesItsRows() throws Exception {
    Path shapes = Files.writeString(folder.resolve("s.txt"), "64 64\n");
    Path json = folder.resolve("bench.json");
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                Ternary.class.getName(),
                "bench",
                "--shapes",
                shapes.toString(),
                "--m",
                "1,2,3,4,5,6",
                "--seconds",
                "0.5",
                "--op",
                "linear",
                "--memory",
                "resident",
                "--json",
                json.toString())
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("log").toFile())
            .start();
    for (int i = 0; i < 600 && !Files.exists(json) && process.isAlive(); i++) {
      Thread.sleep(100);
    }
    process.destroyForcibly().waitFor();
    JsonNode result = ToolRun.json(json);
    assertThat(result.get("complete").asBoolean())
        .as(Files.readString(folder.resolve("log")))
        .isFalse();
    assertThat(result.get("rows")).isNotEmpty();
  }
}
