package org.ternarykernels.tool.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.ternarykernels.tool.cli.ModelCommandsTest.assertFailure;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ternarykernels.Activation;
import org.ternarykernels.Alpha;
import org.ternarykernels.AlphaKind;
import org.ternarykernels.DataType;
import org.ternarykernels.Layout;
import org.ternarykernels.Oracle;
import org.ternarykernels.TernaryBuffer;
import org.ternarykernels.TernaryWeights;
import org.ternarykernels.io.SafetensorsFile;
import org.ternarykernels.io.SafetensorsWriter;
import org.ternarykernels.io.TensorType;
import org.ternarykernels.tool.problem.RandomProblem;

/** {@code run} against the oracle, bit for bit, and what it says of wrong files. */
class RunCommandTest {
  private static final int M = 3;
  private static final int N = 24;
  private static final int K = 70;

  @TempDir Path folder;
  private final RandomProblem random = new RandomProblem(11);
  private final byte[] w = random.weights(N, K);
  private final float[] bias = random.vector(N, 1);

  private Path in() {
    return folder.resolve("in.safetensors");
  }

  private Path out() {
    return folder.resolve("out.safetensors");
  }

  private ToolRun run(String op, SafetensorsWriter operands, Object... more) {
    operands.write(in());
    Object[] fixed = {"run", "--op", op, "--in", in(), "--out", out()};
    Object[] all = Arrays.copyOf(fixed, fixed.length + more.length);
    System.arraycopy(more, 0, all, fixed.length, more.length);
    return ToolRun.of(all);
  }

  @Test
  void linearGivesTheOraclesBitsForEveryTypeAndAlpha() {
    for (AlphaKind kind : AlphaKind.values()) {
      for (DataType type : DataType.values()) {
        if (type == DataType.I8 && kind == AlphaKind.COLUMN) {
          continue;
        }
        Alpha alpha = random.alpha(kind, 32, N, K);
        TernaryBuffer x = random.activations(type, M, K);
        float[] scale = type == DataType.I8 ? new float[] {0.1f, 0.2f, 0.3f} : null;
        SafetensorsWriter operands =
            new SafetensorsWriter()
                .put("x", x, M, K)
                .put("w", TensorType.I8, w, N, K)
                .put("alpha", alpha.values(), alpha.values().length)
                .put("bias", bias, N)
                .metadata("y_dtype", "BF16")
                .metadata(
                    "alpha",
                    kind == AlphaKind.GROUP ? "group:32" : kind.name().toLowerCase(Locale.ROOT));
        if (scale != null) {
          operands.put("x_scale", scale, M);
        }
        assertThat(run("linear", operands).err()).isEmpty();
        TernaryBuffer expected = TernaryBuffer.allocate(DataType.BF16, (long) M * N);
        try (TernaryWeights weights = TernaryWeights.pack(w, N, K, alpha)) {
          Oracle.linear(
              weights,
              Activation.A8,
              bias,
              x,
              K,
              scale == null ? null : TernaryBuffer.copyOf(DataType.F32, scale),
              expected,
              N,
              M);
        }
        assertOutput("y", expected, M, N);
      }
    }
  }

  @Test
  void packedWeightsAndSegmentsOfUnequalSizesGiveTheOraclesBits() throws Exception {
    TernaryBuffer x = random.activations(DataType.F16, M, K);
    Alpha alpha = Alpha.segments(new int[] {15, 5, 4}, new float[] {0.5f, 0.25f, 3});
    TernaryBuffer expected = TernaryBuffer.allocate(DataType.F32, (long) M * N);
    try (TernaryWeights weights = TernaryWeights.pack(w, N, K, alpha)) {
      Oracle.linear(weights, Activation.A8, null, x, K, null, expected, N, M);
      SafetensorsWriter operands =
          new SafetensorsWriter()
              .put("x", x, M, K)
              .put("w", TensorType.U8, weights.codes(), N, (K + 3) / 4)
              .put("alpha", new float[] {0.5f, 0.25f, 3}, 3)
              .metadata("k", Integer.toString(K))
              .metadata("segments", "15,5,4")
              .metadata("alpha", "row")
              .metadata("format", "pt");
      for (Layout layout : Layout.values()) {
        Path json = folder.resolve("run.json");
        ToolRun run =
            run(
                "linear",
                operands,
                "--layout",
                layout.name().toLowerCase(Locale.ROOT),
                "--isa",
                "portable",
                "--threads",
                2,
                "--device",
                "cpu",
                "--json",
                json);
        assertThat(run.exitCode()).isZero();
        assertOutput("y", expected, M, N);
        JsonNode result = ToolRun.json(json);
        assertThat(result.get("path").asText()).startsWith("linear.").endsWith(".portable");
        assertThat(run.out())
            .isEqualTo("linear: " + result.get("path").asText() + System.lineSeparator());
        assertThat(result.get("tensors").get("y").toString()).isEqualTo("[3,24]");
      }
    }
  }

  @Test
  void a16LeavesTheActivationsAsTheyAre() {
    TernaryBuffer x = TernaryBuffer.copyOf(DataType.F32, 1000, 0.001f);
    SafetensorsWriter operands =
        new SafetensorsWriter()
            .put("x", x, 1, 2)
            .put("w", TensorType.I8, new byte[] {0, 1}, 1, 2)
            .put("alpha", new float[] {1}, 1)
            .metadata("activation", "a16");
    assertThat(run("linear", operands).err()).isEmpty();
    assertOutput("y", TernaryBuffer.copyOf(DataType.F32, 0.001f), 1, 1);
  }

  @Test
  void rmsNormLinearGivesTheOraclesBitsAndTheSum() {
    float[] norm = random.vector(K, 1);
    Alpha alpha = Alpha.tensor(0.02f);
    TernaryBuffer x = random.activations(DataType.BF16, M, K);
    TernaryBuffer residual = random.activations(DataType.BF16, M, K);
    TernaryBuffer y = TernaryBuffer.allocate(DataType.F16, (long) M * N);
    TernaryBuffer sum = TernaryBuffer.allocate(DataType.BF16, (long) M * K);
    try (TernaryWeights weights = TernaryWeights.pack(w, N, K, alpha)) {
      Oracle.rmsNormLinear(
          weights, Activation.A8, norm, 0.01f, bias, x, K, null, residual, sum, K, y, N, M);
    }
    SafetensorsWriter operands =
        new SafetensorsWriter()
            .put("x", x, M, K)
            .put("w", TensorType.I8, w, N, K)
            .put("alpha", alpha.values(), 1)
            .put("bias", bias, N)
            .put("norm_weight", norm, K)
            .put("residual", residual, M, K)
            .metadata("eps", "0.01")
            .metadata("y_dtype", "F16");
    assertThat(run("rmsnorm_linear", operands).err()).isEmpty();
    assertOutput("y", y, M, N);
    assertOutput("residual_out", sum, M, K);
  }

  @Test
  void quantiseGivesTheOraclesBits() {
    TernaryBuffer x = random.activations(DataType.F8_E4M3, M, K);
    TernaryBuffer alpha = TernaryBuffer.copyOf(DataType.F32, random.vector(K, 1));
    TernaryBuffer scale = TernaryBuffer.copyOf(DataType.F32, 1, 2, 0.3f);
    TernaryBuffer q = TernaryBuffer.allocate(DataType.I8, (long) M * K);
    TernaryBuffer s = TernaryBuffer.allocate(DataType.F32, M);
    Oracle.quantise(x, scale, alpha, q, s, M, K);
    SafetensorsWriter operands =
        new SafetensorsWriter().put("x", x, M, K).put("alpha", alpha, K).put("x_scale", scale, M);
    assertThat(run("quantise", operands).err()).isEmpty();
    assertOutput("q", q, M, K);
    assertOutput("s", s, M);
  }

  @Test
  void ternariseFollowsTheMethodInTheMetadata() {
    float[] dense = {0.4f, -0.2f, 0.05f, -0.95f}; // mean |w| 0.4, 0.7 of it 0.28
    SafetensorsWriter operands = new SafetensorsWriter().put("w", dense, 2, 2);
    assertThat(run("ternarise", operands).out())
        .isEqualTo("ternarise: ternarise.core" + System.lineSeparator());
    assertOutput("w", TernaryBuffer.copyOf(DataType.I8, 1, 0, 0, -1), 2, 2);
    assertOutput("alpha", TernaryBuffer.copyOf(DataType.F32, 0.4f), 1);
    operands.metadata("method", "threshold").metadata("alpha", "row");
    assertThat(run("ternarise", operands).err()).isEmpty();
    // rows: mean 0.3, threshold 0.21; mean 0.5, threshold 0.35
    assertOutput("w", TernaryBuffer.copyOf(DataType.I8, 1, 0, 0, -1), 2, 2);
    assertOutput("alpha", TernaryBuffer.copyOf(DataType.F32, 0.4f, 0.95f), 2);
  }

  private void assertOutput(String name, TernaryBuffer expected, long... shape) {
    try (SafetensorsFile file = SafetensorsFile.open(out())) {
      assertThat(file.tensor(name).type()).isEqualTo(TensorType.of(expected.dataType()));
      assertThat(file.tensor(name).shape()).isEqualTo(shape);
      byte[] bytes = new byte[(int) expected.byteSize()];
      expected.asByteBuffer().get(bytes);
      assertThat(file.tensor(name).toBytes()).isEqualTo(bytes);
      assertThat(file.metadata().get("path")).isNotBlank();
    }
  }

  @Test
  void unknownMissingAndWrongTensorsAreNamedAndNothingIsWritten() {
    assertRefused("linear", valid().put("extra", bias, N), "does not know the tensor \"extra\"");
    assertRefused(
        "linear", valid().put("residual", bias, N), "does not know the tensor \"residual\"");
    assertRefused("rmsnorm_linear", valid(), "needs the tensor \"norm_weight\"");
    assertRefused(
        "linear",
        new SafetensorsWriter().put("x", bias, 1, N),
        "needs the tensor \"alpha\", \"w\"");
    assertRefused("quantise", valid(), "does not know the tensor \"w\"");
    assertRefused(
        "linear", valid().metadata("colour", "red"), "does not know the metadata \"colour\"");
    assertRefused(
        "linear",
        valid().metadata("alpha", "diagonal"),
        "\"diagonal\"",
        "tensor, row, column or group:G");
    assertRefused(
        "linear", valid().metadata("alpha", "row"), "\"alpha\" has 1 values, must have 24");
    assertRefused("linear", valid().metadata("alpha", "group:33"), "group:33", "multiple of 32");
    assertRefused("linear", valid().metadata("segments", "20,5"), "25 rows", "24");
    assertRefused(
        "linear", valid().metadata("y_dtype", "F64"), "y_dtype is \"F64\"", "f32, f16, bf16");
    assertRefused("linear", valid().metadata("k", "many"), "k is \"many\"");
    assertRefused("linear", valid().metadata("k", "71"), "k is");
    assertRefused(
        "linear",
        valid().put("bias", bias, 12, 2).put("x_scale", new float[] {1, 1}, 2),
        "\"x_scale\" has 2");
    byte[] three = w.clone();
    three[5] = 2;
    assertRefused(
        "linear",
        new SafetensorsWriter()
            .put("x", random.activations(DataType.F32, M, K), M, K)
            .put("alpha", new float[] {1}, 1)
            .put("w", TensorType.I8, three, N, K),
        "2");
    assertRefused(
        "linear",
        new SafetensorsWriter()
            .put("x", random.activations(DataType.F32, M, 69), M, 69)
            .put("alpha", new float[] {1}, 1)
            .put("w", TensorType.I8, w, N, K),
        "69",
        "70");
    assertRefused(
        "linear",
        new SafetensorsWriter()
            .put("x", random.activations(DataType.I8, M, K), M, K)
            .put("alpha", new float[] {1}, 1)
            .put("w", TensorType.I8, w, N, K),
        "xScale");
  }

  private SafetensorsWriter valid() {
    return new SafetensorsWriter()
        .put("x", random.activations(DataType.F32, M, K), M, K)
        .put("w", TensorType.I8, w, N, K)
        .put("alpha", new float[] {0.1f}, 1);
  }

  private void assertRefused(String op, SafetensorsWriter operands, String... words) {
    assertFailure(run(op, operands), 1, words);
    assertThat(out()).doesNotExist();
  }

  @Test
  void wrongUsageIsNamed() throws Exception {
    valid().write(in());
    assertFailure(
        run("linear", valid(), "--device", "cuda:99"), 2, "TERNARY_DEVICE is \"cuda:99\"");
    assertFailure(run("linear", valid(), "--device", "tpu"), 2, "\"tpu\"");
    assertFailure(run("linear", valid(), "--layout", "t5"), 2, "--layout", "t5");
    for (String rows : List.of("-1", "2147483648")) {
      assertFailure(
          run("linear", valid(), "--expected-rows", rows),
          2,
          "--expected-rows is " + rows + ", must be 0 to 2147483647");
    }
    assertFailure(run("multiply", valid()), 2, "--op", "multiply");
    assertFailure(
        ToolRun.of("run", "--op", "linear", "--in", folder.resolve("none"), "--out", out()),
        1,
        "none");
    Files.write(in(), new byte[] {1, 2, 3});
    assertFailure(
        ToolRun.of("run", "--op", "linear", "--in", in(), "--out", out()), 1, "in.safetensors");
    assertThat(out()).doesNotExist();
  }
}
