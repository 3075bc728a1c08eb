package org.ternarykernels.tool.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.ternarykernels.tool.cli.ModelCommandsTest.assertFailure;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.tool.measure.Interleaved;
import org.ternarykernels.tool.tune.TuningFile;
import org.ternarykernels.tool.tune.TuningTrials;
import picocli.CommandLine;

/** {@code tune} writes a file that the library loads. */
class TuneCommandTest {
  @TempDir Path folder;

  private static JsonNode tuning(Path file) throws IOException {
    try (TernaryRuntime runtime = TernaryRuntime.builder().tuning(file).build()) {
      return new ObjectMapper().readTree(runtime.infoJson()).get("tuning");
    }
  }

  @Test
  void theFileIsLoadedAndServesWhatWasMeasured() throws IOException {
    Path file = folder.resolve("tuning.txt");
    Path json = folder.resolve("tune.json");
    ToolRun run = ToolRun.of("tune", "--quick", "--out", file, "--json", json);
    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(run.out())
        .contains("export TERNARY_TUNING=" + file.toAbsolutePath(), "gemm_i2s_min_m");
    JsonNode loaded = tuning(file);
    assertThat(loaded.get("error").asText()).isEmpty();
    assertThat(loaded.get("file").asText()).isEqualTo(file.toString());
    JsonNode rows = ToolRun.json(json).get("values");
    assertThat(rows).hasSameSizeAs(loaded.get("values"));
    int measured = 0;
    for (int i = 0; i < rows.size(); i++) {
      assertThat(loaded.get("values").get(i).get("name")).isEqualTo(rows.get(i).get("name"));
      assertThat(loaded.get("values").get(i).get("value")).isEqualTo(rows.get(i).get("value"));
      assertThat(rows.get(i).get("how").asText()).isNotEmpty();
      boolean noisy = rows.get(i).get("noisy").asBoolean(); // another process may run beside
      measured += rows.get(i).get("measured").asBoolean() || noisy ? 1 : 0;
    }
    assertThat(run.out().lines().filter(line -> !line.contains("export")))
        .allMatch(line -> line.length() <= 80);
    assertThat(measured)
        .isGreaterThanOrEqualTo(7); // four rates, two bandwidths, the prefetch distance
    Files.writeString(file, Files.readString(file).replaceFirst("device=.*", "device=another"));
    assertThat(tuning(file).get("error").asText()).contains("line 3: device is \"another\"");
  }

  /**
   * Times without a clock: each contender takes so long a call, its rounds spread by a part of it
   * where the value that is measured has noise.
   */
  private static final class Planted implements TuningTrials.Rounds {
    private final Set<Integer> noisy;
    private int series;

    /**
     * @param noisy numbers of the calls of this, from 0
     */
    Planted(Set<Integer> noisy) {
      this.noisy = noisy;
    }

    @Override
    public double[][] run(List<Interleaved.Contender> contenders, long slice, long budget) {
      double spread = noisy == null || noisy.contains(series) ? 0.5 : 0.01;
      series++;
      double[][] rounds = new double[contenders.size()][7];
      for (int i = 0; i < rounds.length; i++) {
        for (int round = 0; round < 7; round++) {
          double part = spread * (round - 3) / 3;
          rounds[i][round] = 1000 * (i == 0 ? 1 + part : 1);
        }
      }
      return rounds;
    }
  }

  private ToolRun tune(TuningTrials.Rounds rounds, Object... words) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    CommandLine command =
        Ternary.commandLine().setOut(new PrintWriter(out)).setErr(new PrintWriter(err));
    TuneCommand tune = command.getSubcommands().get("tune").getCommand();
    tune.rounds = rounds;
    String[] arguments = Stream.of(words).map(Object::toString).toArray(String[]::new);
    return new ToolRun(command.execute(arguments), out.toString(), err.toString());
  }

  /** The first series is of gemm_i2s_min_m, its second place. */
  @Test
  void aNoisySeriesIsRefusedAndTheOthersAreWritten() throws IOException {
    Path file = folder.resolve("tuning.txt");
    Path json = folder.resolve("tune.json");
    ToolRun run = tune(new Planted(Set.of(1)), "tune", "--quick", "--out", file, "--json", json);
    assertThat(run.exitCode()).as(run.err()).isZero();
    JsonNode rows = ToolRun.json(json).get("values");
    List<String> noisy = new ArrayList<>();
    for (JsonNode row : rows) {
      String name = row.get("name").asText();
      if (row.get("noisy").asBoolean()) {
        noisy.add(name);
        assertThat(row.get("measured").asBoolean()).isFalse();
        assertThat(row.get("value")).isEqualTo(row.get("built_in"));
        assertThat(row.get("noise").asDouble()).isCloseTo(0.667, within(0.001)); // 1/0.5, 1/1.5
        assertThat(run.out())
            .containsPattern(name + " +" + row.get("built_in").asText() + " +noisy +67 %");
        assertThat(Files.readString(file))
            .contains("\n" + name + "=" + row.get("built_in").asText() + "\n");
      } else {
        assertThat(row.get("noise").isNull()).isTrue();
      }
      if (name.equals("i2s_weights_per_us")) {
        assertThat(row.get("value").asLong()).isEqualTo(2048 * 1024); // in 1000 ns
        assertThat(row.get("measured").asBoolean()).isTrue();
      }
    }
    assertThat(noisy).containsExactly("gemm_i2s_min_m");
    assertThat(Files.readString(file).lines().findFirst().orElseThrow())
        .startsWith("# Measured on ")
        .endsWith("; too noisy, so as built in: gemm_i2s_min_m");
    assertThat(tuning(file).get("error").asText()).isEmpty();
    assertThat(run.out()).contains("export TERNARY_TUNING=");
  }

  @Test
  void whereAllIsNoiseThereIsNoFile() throws IOException {
    Path file = folder.resolve("tuning.txt");
    Path json = folder.resolve("tune.json");
    ToolRun run = tune(new Planted(null), "tune", "--quick", "--out", file, "--json", json);
    assertThat(run.exitCode()).as(run.err()).isEqualTo(1);
    assertThat(file).doesNotExist();
    assertThat(run.out()).contains("no file was written").doesNotContain("export");
    assertThat(ToolRun.json(json).get("file").isNull()).isTrue();
    for (JsonNode row : ToolRun.json(json).get("values")) {
      assertThat(row.get("measured").asBoolean()).isFalse();
      assertThat(row.get("value")).isEqualTo(row.get("built_in"));
    }
  }

  @Test
  void aFileOfOtherValuesChangesThemAndNothingElse() throws IOException {
    Path file = folder.resolve("tuning.txt");
    TuningFile builtIn;
    try (TernaryRuntime runtime = TernaryRuntime.builder().tuning(Path.of("")).build()) {
      builtIn = TuningFile.builtIn(runtime);
    }
    Files.writeString(file, builtIn.with(Map.of("gemm_i2s_min_m", 33L)).text("a test"));
    for (JsonNode value : tuning(file).get("values")) {
      String name = value.get("name").asText();
      assertThat(value.get("value").asLong())
          .isEqualTo(name.equals("gemm_i2s_min_m") ? 33 : builtIn.value(name));
    }
  }

  @Test
  void whatCannotBeDoneIsNamed() {
    assertFailure(ToolRun.of("tune", "--quick", "--isa", "sse2"), 2, "sse2");
    assertFailure(ToolRun.of("tune", "--fast"), 2, "--fast");
  }
}
