package org.ternarykernels.tool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.ternarykernels.tool.ModelCommandsTest.assertFailure;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ternarykernels.Activation;
import org.ternarykernels.Alpha;
import org.ternarykernels.AlphaKind;
import org.ternarykernels.DataType;
import org.ternarykernels.TernaryRuntime;

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
            shapes("19 300 tails\n7 13\n"),
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
        ToolRun.of("verify", "--shapes", folder.resolve("none.txt")),
        1,
        "no such file",
        "none.txt");
    assertFailure(ToolRun.of("verify", "--shapes", shapes("1 2\n3\n")), 1, "line 2");
  }

  /**
   * A right output is within the bound; one that is off by twice the bound, infinite or NaN is not.
   */
  @Test
  void anErrorOfOneOutputIsSeen() {
    RandomProblem random = new RandomProblem(3);
    Alpha alpha = random.alpha(AlphaKind.ROW, 0, 9, 50);
    float[] x = random.activations(DataType.F32, 2, 50).toArray();
    DenseReference reference =
        new DenseReference(x, 2, random.weights(9, 50), 9, 50, alpha, random.vector(9, 1));
    ErrorBound bound = new ErrorBound(reference, Activation.A8, DataType.F32, DataType.F32, false);
    assertThat(judge(reference, bound, 0)).isZero();
    assertThat(judge(reference, bound, (float) (2 * bound.fp32(1, 4)))).isBetween(1.99, 2.01);
    VerifyLimits limits = new VerifyLimits(null, null);
    for (float wrong : new float[] {Float.NaN, Float.POSITIVE_INFINITY}) {
      ErrorStatistics errors = new ErrorStatistics();
      errors.addRow(new float[] {wrong, 1}, new float[] {1, 1}, 0, 2, column -> 1);
      assertThat(errors.nonFinite).isEqualTo(1);
      assertThat(limits.accept(errors)).isFalse();
    }
  }

  private static double judge(DenseReference reference, ErrorBound bound, float error) {
    float[] y = reference.fp32.clone();
    y[9 + 4] += error;
    ErrorStatistics errors = new ErrorStatistics();
    errors.addRow(y, reference.fp32, 9, 9, column -> bound.fp32(1, column));
    assertThat(new VerifyLimits(null, null).accept(errors)).isEqualTo(error == 0);
    return errors.maxOfBound;
  }

  @Test
  void statisticsAreThoseOfTheirDefinitions() {
    ErrorStatistics errors = new ErrorStatistics();
    errors.addRow(new float[] {3, 4.5f, 0.5f}, new float[] {3, 4, 0}, 0, 3, column -> 1);
    assertThat(errors.maxAbs).isEqualTo(0.5);
    // relative to max(|ref|, RMS of the row): the RMS of (3, 4, 0) is 5 / sqrt(3)
    assertThat(errors.maxRel).isCloseTo(0.5 / (5 / Math.sqrt(3)), within(1e-12));
    assertThat(errors.rmse()).isCloseTo(Math.sqrt(0.5 / 3), within(1e-12));
    assertThat(errors.cosine()).isCloseTo(27 / (5 * Math.sqrt(29.5)), within(1e-12));
  }

  /** The dense references, recomputed here output by output with exact sums. */
  @Test
  void referencesAreTheDenseProducts() {
    RandomProblem random = new RandomProblem(4);
    int k = 70;
    byte[] w = random.weights(3, k);
    float[] x = random.activations(DataType.F32, 2, k).toArray();
    Alpha alpha = random.alpha(AlphaKind.GROUP, 32, 3, k);
    DenseReference reference = new DenseReference(x, 2, w, 3, k, alpha, new float[3]);
    for (int row = 0; row < 2; row++) {
      for (int n = 0; n < 3; n++) {
        double sum = 0;
        float sum16 = 0;
        for (int i = 0; i < k; i++) {
          float a = alpha.values()[n * 3 + i / 32] * w[n * k + i];
          sum += (double) x[row * k + i] * a;
          sum16 += ScalarFormat.roundToHalf(x[row * k + i]) * ScalarFormat.roundToHalf(a);
        }
        assertThat(reference.fp32[row * 3 + n]).isEqualTo((float) sum);
        assertThat(reference.fp16[row * 3 + n]).isEqualTo(ScalarFormat.roundToHalf(sum16));
      }
    }
  }
}
