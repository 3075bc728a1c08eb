package org.ternarykernels.tool.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.ternarykernels.tool.cli.ModelCommandsTest.assertFailure;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ternarykernels.Layout;
import org.ternarykernels.tool.problem.Shape;
import org.ternarykernels.tool.problem.WeightCopies;

/** {@code bench --jmh}, in processes that JMH starts. */
class BenchJmhTest {
  private static final String SHORT = "-f 1 -wi 0 -i 1 -r 20ms";

  @TempDir Path folder;

  private static ToolRun jmh(String include, String options, Object... more) {
    Object[] words = new Object[6 + more.length];
    System.arraycopy(
        new Object[] {"bench", "--jmh", "--jmh-include", include, "--jmh-options", options},
        0,
        words,
        0,
        6);
    System.arraycopy(more, 0, words, 6, more.length);
    return ToolRun.of(words);
  }

  private static double packedBytes(int n, int k) {
    try (WeightCopies weights =
        new WeightCopies(new Shape(n, k, "s"), 1, Layout.I2S_TILED, WeightCopies.State.RESIDENT)) {
      return weights.bytes();
    }
  }

  @Test
  void rowsHaveTimesAndRates() throws Exception {
    Path out = folder.resolve("out");
    Path json = folder.resolve("jmh.json");
    String options =
        SHORT + " -p shape=40x70,96x200 -p m=3 -p layout=I2S_TILED -p memory=resident -p k=70";
    ToolRun run =
        jmh("LinearBenchmark|QuantiseBenchmark", options, "--out-dir", out, "--json", json);
    assertThat(run.exitCode()).as(run.out() + run.err()).isZero();
    JsonNode rows = ToolRun.json(json).get("rows");
    assertThat(rows.findValuesAsText("shape"))
        .containsExactly("40x70", "40x70", "96x200", "96x200");
    assertThat(rows).hasSize(3);
    for (JsonNode row : rows) {
      checkRates(row);
    }
    assertThat(run.out())
        .contains("LinearBenchmark.linear", "shape=96x200", "QuantiseBenchmark.quantise");
    assertThat(run.out().lines()).allMatch(line -> line.length() <= 80);
    assertThat(ToolRun.json(out.resolve("result.json")).get("rows")).isEqualTo(rows);
    for (Path file : List.of(json, out.resolve("result.json"), out.resolve("rows.jsonl"))) {
      assertThat(Files.readString(file))
          .doesNotContain(folder.toString())
          .doesNotContain(System.getProperty("java.home"))
          .doesNotContainPattern("[\" =:]/(home|root|tmp|usr|work)/");
    }
  }

  private static void checkRates(JsonNode row) {
    boolean product = row.get("benchmark").asText().equals("LinearBenchmark.linear");
    double ns = row.get("ns").asDouble();
    assertThat(ns).isPositive().isEqualTo(row.get("score").asDouble() * 1e3);
    assertThat(row.get("unit").asText()).isEqualTo("us/op");
    assertThat(row.get("m").isInt()).isTrue();
    JsonNode metrics = row.get("jmh").get("secondaryMetrics");
    assertThat(metrics.get("gbps").get("scoreUnit").asText()).isEqualTo("GB/s");
    assertThat(row.get("jmh").get("jvm").asText()).isEqualTo("java");
    if (!product) {
      double bytes = row.get("m").asInt() * 70 * (2 + 1); // bf16 in, int8 out
      assertThat(row.get("gbps").asDouble() * ns).isCloseTo(bytes, within(1e-6 * bytes));
      assertThat(row.get("gops").isNull()).isTrue();
      return;
    }
    int n = row.get("shape").asText().equals("40x70") ? 40 : 96;
    int k = n == 40 ? 70 : 200;
    double bytes = packedBytes(n, k);
    assertThat(bytes).isBetween(n * k / 4.0, 2.0 * n * k);
    assertThat(row.get("gbps").asDouble() * ns).isCloseTo(bytes, within(1e-6 * bytes));
    assertThat(row.get("gops").asDouble() * ns).isCloseTo(2.0 * 3 * n * k, within(1e-6 * n * k));
    assertThat(metrics.get("gops").get("score").asDouble()).isEqualTo(row.get("gops").asDouble());
  }

  @Test
  void aBenchmarkThatFailsIsARowAndTheOthersRun() throws Exception {
    Path json = folder.resolve("jmh.json");
    ToolRun run =
        jmh(
            "LinearBenchmark",
            SHORT
                + " -p shape=bitnet-2b-4t/none,40x70 -p m=1 -p layout=I2S_TILED -p memory=resident",
            "--json",
            json);
    assertThat(run.exitCode()).as(run.out() + run.err()).isEqualTo(1);
    JsonNode rows = ToolRun.json(json).get("rows");
    assertThat(rows.get(0).get("error").asText()).contains("no shape is named bitnet-2b-4t/none");
    assertThat(rows.get(1).get("ns").asDouble()).isPositive();
    assertThat(run.out()).contains("WRONG: ", "no shape is named bitnet-2b-4t/none");
  }

  @Test
  void whatCannotRunIsNamed() {
    assertFailure(jmh("NoSuch", SHORT), 2, "--jmh-include is \"NoSuch\"", "LinearBenchmark.linear");
    assertFailure(jmh("(", SHORT), 2, "must be a regular expression");
    assertFailure(jmh("Linear", "-p shap=1x1"), 2, "with -p of", "shape", "\"-p shap=1x1\"");
    assertFailure(jmh("Linear", "-fork few"), 2, "--jmh-options is \"-fork few\"");
    assertFailure(jmh("Linear", "Quantise"), 2, "which --jmh-include takes");
    assertFailure(jmh("Linear", SHORT, "--quick"), 2, "--jmh is given with --quick");
    assertFailure(jmh("Linear", SHORT, "--m", 1), 2, "--jmh is given with a list of its own");
    assertFailure(ToolRun.of("bench", "--jmh-include", "x"), 2, "must be given with --jmh");
    assertFailure(ToolRun.of("bench", "--jmh-options", "x"), 2, "must be given with --jmh");
  }
}
