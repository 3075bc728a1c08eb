package org.ternarykernels.tool.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.ternarykernels.tool.cli.ModelCommandsTest.assertFailure;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.tool.tune.TuningFile;

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
      measured += rows.get(i).get("measured").asBoolean() ? 1 : 0;
    }
    assertThat(measured)
        .isGreaterThanOrEqualTo(7); // four rates, two bandwidths, the prefetch distance
    Files.writeString(file, Files.readString(file).replaceFirst("device=.*", "device=another"));
    assertThat(tuning(file).get("error").asText()).contains("line 3: device is \"another\"");
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
