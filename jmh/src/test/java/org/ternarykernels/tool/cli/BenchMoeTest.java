package org.ternarykernels.tool.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code bench --op moe}. */
class BenchMoeTest {
  @TempDir Path folder;

  @Test
  void rowsAreCompleteAndChecked() throws Exception {
    Path json = folder.resolve("bench.json");
    ToolRun run =
        ToolRun.of(
            "bench",
            "--op",
            "moe",
            "--experts",
            "tiny-mangrove",
            "--m",
            "1,6",
            "--threads",
            1,
            "--memory",
            "resident",
            "--activation",
            "a8,a8:64",
            "--seconds",
            0.01,
            "--json",
            json);
    assertThat(run.exitCode()).as(run.out() + run.err()).isZero();
    assertThat(run.out())
        .contains("of limit", "linear", "bit for bit", "us by stage: activations ");
    assertThat(run.out().lines()).allMatch(line -> line.length() <= 80);
    JsonNode result = ToolRun.json(json);
    assertThat(result.get("complete").asBoolean()).isTrue();
    assertThat(result.get("environment").get("cpu_model").asText()).isNotEmpty();
    assertThat(result.get("rows")).hasSize(2 * 2 * 3);
    for (JsonNode row : result.get("rows")) {
      check(row);
      assertThat(run.out())
          .containsPattern(
              String.format(
                  Locale.ROOT,
                  "tiny-mangrove +%d  %s +%s +%.1f +%.1f ",
                  row.get("M").asInt(),
                  row.get("routing").asText(),
                  row.get("activation").asText(),
                  row.get("ns").asDouble() / 1e3,
                  row.get("ns_error").asDouble() / 1e3));
    }
  }

  private static void check(JsonNode row) {
    int m = row.get("M").asInt();
    boolean one = row.get("routing").asText().equals("one");
    assertThat(row.get("op").asText()).isEqualTo("moe");
    assertThat(List.of(row.get("experts").asInt(), row.get("slots").asInt(), row.get("H").asInt()))
        .containsExactly(16, 4, 256);
    assertThat(row.get("rows_checked").asInt()).isEqualTo(Math.min(m, 4));
    assertThat(row.get("active").asInt()).isBetween(one ? 1 : 4, one ? 1 : 16);
    assertThat(row.get("most_rows").asInt()).isBetween(1, m);
    assertThat(row.get("path").asText())
        .contains("moe_gate_up.", "moe_gate.", "moe_down.", "moe_combine.");
    assertThat(row.get("path").asText().contains(".block64."))
        .isEqualTo(row.get("activation").asText().equals("a8:64"));
    double ns = row.get("ns").asDouble();
    assertThat(ns).isBetween(row.get("ns_low").asDouble(), row.get("ns_high").asDouble());
    checkStages(row.get("stage_ns"), ns);
    double bytes = 590e3 / 16 * row.get("active").asInt(); // codes alone
    assertThat(row.get("gbps").asDouble()).isBetween(bytes / ns, 1.2 * bytes / ns);
    double pairs = one ? m : 4 * m;
    assertThat(row.get("gops").asDouble()).isCloseTo(6 * pairs * 256 * 192 / ns, within(1e-6));
    assertThat(row.get("limit_ns").asDouble()).isPositive();
    assertThat(row.get("ratio_to_linear").asDouble()).isPositive();
    assertThat(row.get("linear_what").asText()).contains("gathered rows, 1 thread");
    if (one || m == 1) {
      assertThat(row.get("bf16_what").asText()).contains("experts").doesNotContain("different");
    }
  }

  /**
   * Means of the stages beside a median of calls: their sum is of the same size, and no more can be
   * said.
   */
  private static void checkStages(JsonNode stages, double ns) {
    assertThat(stages.fieldNames())
        .toIterable()
        .containsExactlyInAnyOrder(
            "moe_activations", "moe_gate_up", "moe_gate", "moe_down", "moe_combine");
    double sum = 0;
    for (JsonNode stage : stages) {
      assertThat(stage.asDouble()).isPositive();
      sum += stage.asDouble();
    }
    assertThat(sum).isBetween(0.2 * ns, 20 * ns);
  }

  /** The cost model has no experts, so nothing is printed in their stead. */
  @Test
  void withoutAGpuThereAreNoRows() throws Exception {
    Path json = folder.resolve("bench.json");
    ToolRun run = ToolRun.of("bench", "--op", "moe,route", "--device", "cuda:63", "--json", json);
    assertThat(run.exitCode()).isEqualTo(1);
    assertThat(run.out()).contains("No GPU was measured: TERNARY_DEVICE is \"cuda:63\"");
    assertThat(ToolRun.json(json).get("complete").asBoolean()).isFalse();
    assertThat(ToolRun.json(json).get("rows")).isEmpty();
  }

  @Test
  void whatDoesNotGoTogetherIsRefused() {
    for (Object[] options :
        new Object[][] {
          {"--op", "moe,linear"},
          {"--op", "moe", "--group", "64"},
          {"--op", "moe", "--device", "cuda", "--threads", "1"},
          {"--op", "route,linear", "--device", "cuda"},
          {"--op", "route"},
          {"--op", "moe", "--experts", "unheard-of"},
          {"--op", "linear", "--routing", "zipf"},
          {"--experts", "tiny-mangrove"}
        }) {
      Object[] all = new Object[options.length + 1];
      all[0] = "bench";
      System.arraycopy(options, 0, all, 1, options.length);
      ToolRun run = ToolRun.of(all);
      assertThat(run.exitCode()).as("%s %s", List.of(options), run.err()).isEqualTo(2);
      assertThat(run.err()).contains("must be");
    }
  }
}
