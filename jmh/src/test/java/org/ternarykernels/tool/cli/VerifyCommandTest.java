package org.ternarykernels.tool.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.ternarykernels.tool.cli.ModelCommandsTest.assertFailure;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.tool.verify.ErrorBound;

class VerifyCommandTest {
  @TempDir Path folder;

  private Path shapes(String lines) throws Exception {
    return Files.writeString(folder.resolve("shapes.txt"), lines);
  }

  @Test
  void everyKernelIsReachedAndWithinItsBound() throws Exception {
    Path json = folder.resolve("verify.json");
    ToolRun run =
        ToolRun.of(
            "verify",
            "--shapes",
            shapes("19 300 tails\n7 13\n9 192 rotated\n"),
            "--m",
            "1,17,128",
            "--json",
            json);
    assertThat(run.exitCode()).as(run.out()).isZero();
    JsonNode result = ToolRun.json(json);
    assertThat(result.get("passed").asBoolean()).isTrue();
    assertThat(result.get("not_reached")).isEmpty();
    assertThat(run.out())
        .contains(ErrorBound.FORMULA)
        .contains("passed: " + result.get("cases").asInt() + " cases, 0 failed");
    assertThat(result.get("results").findValuesAsText("activation"))
        .contains("a8", "a8:32", "a8:128", "a16");
    assertThat(result.get("results").findValuesAsText("rotation")).contains("0", "64");
    JsonNode info = new ObjectMapper().readTree(info());
    for (JsonNode kernel : info.get("kernels")) {
      if (kernel.get("available").asBoolean() && kernel.get("stage").asText().startsWith("gemm")) {
        assertThat(result.get("paths").toString()).contains(kernel.get("name").asText());
      }
    }
    for (JsonNode paths : result.get("paths")) {
      assertThat(paths.get("fp32").get("cosine").asDouble()).isGreaterThan(0.99);
      assertThat(paths.get("fp32").get("non_finite").asInt()).isZero();
      assertThat(paths.get("fp16").get("rmse").asDouble()).isPositive();
    }
  }

  private static String info() {
    try (TernaryRuntime runtime = TernaryRuntime.create()) {
      return runtime.infoJson();
    }
  }

  @Test
  void limitsOfTheUserReplaceTheBoundAndFailingThemIsExitCode1() throws Exception {
    Path shapes = shapes("5 64");
    ToolRun strict =
        ToolRun.of(
            "verify", "--shapes", shapes, "--m", "2", "--max-abs", "1e-9", "--isa", "portable");
    assertThat(strict.exitCode()).isEqualTo(1);
    assertThat(strict.out()).contains("FAILED").contains("limits: max_abs 1.0E-9, max_rel null");
    assertThat(ToolRun.of("verify", "--shapes", shapes, "--m", "2", "--max-rel", "1e-9").exitCode())
        .isEqualTo(1);
    assertThat(
            ToolRun.of(
                    "verify", "--shapes", shapes, "--m", "2", "--max-abs", "1e3", "--max-rel", "10")
                .exitCode())
        .isZero();
  }

  @Test
  void wrongUsageIsNamed() throws Exception {
    assertFailure(ToolRun.of("verify", "--m", "0"), 2, "--m is 0");
    assertFailure(ToolRun.of("verify", "--m", "1,x"), 2, "--m");
    assertFailure(
        ToolRun.of("verify", "--shapes", folder.resolve("none.txt")), 2, "--shapes is", "none.txt");
    assertFailure(ToolRun.of("verify", "--shapes", shapes("1 2\n3\n")), 2, "line 2");
  }
}
