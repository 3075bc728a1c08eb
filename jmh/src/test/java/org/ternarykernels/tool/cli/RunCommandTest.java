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
import org.ternarykernels.Heads;
import org.ternarykernels.Layout;
import org.ternarykernels.Oracle;
import org.ternarykernels.Rotation;
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
        if (type == DataType.I32 || type == DataType.I8 && kind == AlphaKind.COLUMN) {
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
  void blocksAndRotationGiveTheOraclesBits() {
    int k = 160;
    byte[] codes = random.weights(N, k);
    Alpha alpha = random.alpha(AlphaKind.GROUP, 32, N, k);
    float[] signs = random.signs(k);
    byte[] small = new byte[k];
    for (int i = 0; i < k; i++) {
      small[i] = (byte) signs[i];
    }
    Activation activation = Activation.a8(64);
    TernaryBuffer x = random.activations(DataType.BF16, M, k);
    TernaryBuffer y = TernaryBuffer.allocate(DataType.F32, (long) M * N);
    float[] norm = random.vector(k, 1);
    SafetensorsWriter operands =
        new SafetensorsWriter()
            .put("x", x, M, k)
            .put("w", TensorType.I8, codes, N, k)
            .put("alpha", alpha.values(), N, 5)
            .put("signs", TensorType.I8, small, k)
            .metadata("alpha", "group:32")
            .metadata("activation", "a8:64")
            .metadata("rotation", "32");
    try (TernaryWeights weights = TernaryWeights.pack(codes, N, k, alpha)) {
      Rotation rotation = Rotation.of(32, signs);
      Oracle.linear(weights, activation, rotation, null, x, k, null, y, N, M);
      assertThat(run("linear", operands).err()).isEmpty();
      assertOutput("y", y, M, N);
      Oracle.rmsNormLinear(
          weights, activation, rotation, norm, 1e-5f, null, x, k, null, null, null, 0, y, N, M);
      operands.put("norm_weight", norm, k);
      assertThat(run("rmsnorm_linear", operands).err()).isEmpty();
      assertOutput("y", y, M, N);
    }
    TernaryBuffer q = TernaryBuffer.allocate(DataType.I8, (long) M * k);
    TernaryBuffer s = TernaryBuffer.allocate(DataType.F32, M * 3);
    TernaryBuffer signsBuffer = TernaryBuffer.copyOf(DataType.F32, signs);
    Oracle.quantise(x, null, 32, signsBuffer, null, activation, q, s, M, k);
    SafetensorsWriter rows =
        new SafetensorsWriter()
            .put("x", x, M, k)
            .put("signs", TensorType.I8, small, k)
            .metadata("activation", "A8:64")
            .metadata("rotation", "32");
    assertThat(run("quantise", rows).err()).isEmpty();
    assertOutput("q", q, M, k);
    assertOutput("s", s, M, 3);
  }

  @Test
  void int8WithBlocksBringsAScaleForEach() {
    TernaryBuffer x = random.activations(DataType.I8, M, K);
    float[] scale = random.vector(M * 3, 0.1f);
    TernaryBuffer y = TernaryBuffer.allocate(DataType.F32, (long) M * N);
    SafetensorsWriter operands =
        new SafetensorsWriter()
            .put("x", x, M, K)
            .put("w", TensorType.I8, w, N, K)
            .put("alpha", new float[] {0.5f}, 1)
            .put("x_scale", scale, M, 3)
            .metadata("activation", "a8:32");
    try (TernaryWeights weights = TernaryWeights.pack(w, N, K, Alpha.tensor(0.5f))) {
      TernaryBuffer scales = TernaryBuffer.copyOf(DataType.F32, scale);
      Oracle.linear(weights, Activation.a8(32), null, x, K, scales, y, N, M);
    }
    assertThat(run("linear", operands).err()).isEmpty();
    assertOutput("y", y, M, N);
  }

  @Test
  void rotateGoesForwardAndBack() {
    TernaryBuffer x = random.activations(DataType.F16, M, 96);
    TernaryBuffer y = TernaryBuffer.allocate(DataType.BF16, M * 96);
    Oracle.rotate(x, null, 32, null, false, y, M, 96);
    SafetensorsWriter operands = new SafetensorsWriter().put("x", x, M, 96).metadata("block", "32");
    assertThat(run("rotate", operands.metadata("y_dtype", "BF16")).err()).isEmpty();
    assertOutput("y", y, M, 96);
    float[] signs = random.signs(96);
    byte[] small = new byte[96];
    for (int i = 0; i < 96; i++) {
      small[i] = (byte) signs[i];
    }
    Oracle.rotate(x, null, 32, TernaryBuffer.copyOf(DataType.F32, signs), true, y, M, 96);
    operands.put("signs", TensorType.I8, small, 96).metadata("inverse", "true");
    assertThat(run("rotate", operands).err()).isEmpty();
    assertOutput("y", y, M, 96);
  }

  @Test
  void qkNormGivesTheOraclesBitsUnderTheSameNames() {
    TernaryBuffer q = random.activations(DataType.BF16, M, 6 * 20);
    TernaryBuffer k = random.activations(DataType.F32, M, 2 * 20);
    float[] qWeight = random.vector(20, 1);
    float[] kWeight = random.vector(20, 1);
    SafetensorsWriter operands =
        new SafetensorsWriter()
            .put("q", q, M, 6 * 20)
            .put("k", k, M, 2 * 20)
            .put("q_weight", qWeight, 20)
            .put("k_weight", kWeight, 20)
            .metadata("head_dim", "20")
            .metadata("k_eps", "0.25");
    assertThat(run("qk_norm", operands).err()).isEmpty();
    Oracle.qkNorm(
        Heads.of(q, 6 * 20, 6, TernaryBuffer.copyOf(DataType.F32, qWeight), 1e-5f),
        Heads.of(k, 2 * 20, 2, TernaryBuffer.copyOf(DataType.F32, kWeight), 0.25f),
        20,
        M);
    assertOutput("q", q, M, 6 * 20);
    assertOutput("k", k, M, 2 * 20);
  }

  @Test
  void refusesRowsThatCannotBeRotatedOrNormalised() {
    TernaryBuffer x = random.activations(DataType.F16, M, 96);
    SafetensorsWriter rotate =
        new SafetensorsWriter().put("x", x, M, 96).metadata("inverse", "back");
    assertRefused("rotate", rotate, "needs the metadata \"block\"");
    assertRefused("rotate", rotate.metadata("block", "32"), "inverse is \"back\"", "true");
    assertRefused("rotate", rotate.metadata("inverse", "0").metadata("block", "64"), "64", "96");
    byte[] signs = new byte[96];
    Arrays.fill(signs, (byte) -1);
    signs[5] = 2;
    rotate.metadata("block", "32").put("signs", TensorType.I8, signs, 96);
    assertRefused("rotate", rotate, "signs[5] is 2", "+1 or -1");
    SafetensorsWriter heads =
        new SafetensorsWriter().put("k", x, M, 96).put("k_weight", random.vector(24, 1), 24);
    assertRefused("qk_norm", heads, "needs the metadata \"head_dim\"");
    assertRefused("qk_norm", heads.metadata("head_dim", "25"), "head_dim is 25", "96");
    assertRefused("qk_norm", heads.metadata("head_dim", "32"), "\"k_weight\" has 24", "32");
    heads.put("q_weight", random.vector(24, 1), 24).metadata("head_dim", "24");
    assertRefused("qk_norm", heads, "\"q_weight\" is given without \"q\"");
    assertRefused(
        "linear",
        new SafetensorsWriter()
            .put("x", random.activations(DataType.I8, M, K), M, K)
            .put("w", TensorType.I8, w, N, K)
            .put("alpha", new float[] {0.1f}, 1)
            .put("x_scale", new float[9], M, 3)
            .metadata("activation", "a8:64"),
        "\"x_scale\" has 9 values, must have 6");
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
        "linear", valid().metadata("activation", "a4"), "metadata activation is \"a4\"", "a8:B");
    assertRefused("linear", valid().metadata("activation", "a8:33"), "33", "multiple of 32");
    assertRefused("linear", valid().metadata("rotation", "32"), "rotation is 32 and K is 70");
    assertRefused("linear", valid().metadata("rotation", "33"), "33", "power of two");
    assertRefused(
        "linear",
        valid().put("signs", TensorType.I8, new byte[K], K),
        "\"signs\" is given without a rotation");
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
