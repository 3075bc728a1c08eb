package org.ternarykernels.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ternarykernels.Alpha;
import org.ternarykernels.DataType;
import org.ternarykernels.TernaryBuffer;
import org.ternarykernels.TernaryLinear;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.TernaryWeights;
import org.ternarykernels.io.BitNetCheckpoint.Matrix;

class BitNetCheckpointTest {
  private static final int K = 12;
  private static final Path MODEL = Path.of(System.getProperty("test.data"), "tiny-bitnet");

  @TempDir Path folder;
  private final Random random = new Random(8);
  private byte[] w5;
  private byte[] w8;

  private static void assertRejected(ThrowingCallable call, String... parts) {
    assertThatThrownBy(call)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll(parts);
  }

  private byte[] ternary(int n) {
    byte[] w = new byte[n * K];
    for (int i = 0; i < w.length; i++) {
      w[i] = (byte) (random.nextInt(3) - 1);
    }
    return w;
  }

  /** The published packing; padding rows decode as -1. */
  private static byte[] packed(byte[] w, int n) {
    int rows = (n + 3) / 4;
    byte[] packed = new byte[rows * K];
    for (int row = 0; row < n; row++) {
      for (int k = 0; k < K; k++) {
        packed[row % rows * K + k] |= (byte) (w[row * K + k] + 1 << 2 * (row / rows));
      }
    }
    return packed;
  }

  private BitNetCheckpoint checkpoint(String quantization) throws IOException {
    w5 = ternary(5);
    w8 = ternary(8);
    Files.writeString(
        folder.resolve("config.json"),
        "{\"hidden_size\":12,\"eps\":1e-5,\"list\":[{\"x\":1}],\"none\":null,"
            + "\"quantization_config\":{"
            + quantization
            + "}}");
    new SafetensorsWriter()
        .put("q.weight", TensorType.U8, packed(w5, 5), 2, K)
        .put("q.weight_scale", new float[] {4}, 1)
        .put("q.bias", TernaryBuffer.copyOf(DataType.BF16, 1, 2, 3, 4, 5), 5)
        .put("k.weight", TensorType.U8, packed(w8, 8), 2, K)
        .put("k.weight_scale", new float[] {0.5f}, 1)
        .put("wide.weight", TensorType.U8, new byte[2 * K + 2], 2, K + 1)
        .put("wide.weight_scale", new float[] {1}, 1)
        .put("zero.weight", TensorType.U8, packed(w8, 8), 2, K)
        .put("zero.weight_scale", new float[] {0}, 1)
        .put("dense.weight", new float[8 * K], 8, K)
        .write(folder.resolve("model.safetensors"));
    return BitNetCheckpoint.open(folder);
  }

  @Test
  void autobitlinearMultipliesByTheScaleAndScalesTheBias() throws IOException {
    try (BitNetCheckpoint checkpoint =
            checkpoint("\"quant_method\":\"bitnet\",\"linear_class\":\"autobitlinear\"");
        TernaryWeights weights = checkpoint.weights("q", 5)) {
      assertThat(weights.alpha()).isEqualTo(Alpha.tensor(4));
      assertThat(weights.unpack()).isEqualTo(w5);
      assertThat(checkpoint.bias("q")).containsExactly(4, 8, 12, 16, 20);
      assertThat(checkpoint.bias("k")).isNull();
    }
  }

  @Test
  void bitlinearDividesByTheScaleAndLeavesTheBias() throws IOException {
    for (String config :
        new String[] {
          "\"quant_method\":\"bitnet\",\"linear_class\":\"bitlinear\"",
          "\"quant_method\":\"bitnet\""
        }) {
      try (BitNetCheckpoint checkpoint = checkpoint(config);
          TernaryWeights weights = checkpoint.weights("q", 5)) {
        assertThat(weights.alpha()).isEqualTo(Alpha.tensor(0.25f));
        assertThat(weights.unpack()).isEqualTo(w5);
        assertThat(checkpoint.bias("q")).containsExactly(1, 2, 3, 4, 5);
        assertRejected(() -> checkpoint.weights("zero", 8), "zero.weight_scale", "other than 0");
      }
    }
  }

  @Test
  void stacksMatricesWithAnAlphaPerRow() throws IOException {
    try (BitNetCheckpoint checkpoint =
            checkpoint("\"quant_method\":\"bitnet\",\"linear_class\":\"autobitlinear\"");
        TernaryWeights weights = checkpoint.stack(new Matrix("q", 5), new Matrix("k", 8))) {
      assertThat(weights.alpha())
          .isEqualTo(Alpha.segments(new int[] {5, 8}, new float[] {4, 0.5f}));
      byte[] all = Arrays.copyOf(w5, w5.length + w8.length);
      System.arraycopy(w8, 0, all, w5.length, w8.length);
      assertThat(weights.unpack()).isEqualTo(all);
      assertRejected(
          () -> checkpoint.stack(new Matrix("q", 5), new Matrix("wide", 8)), "wide", "13", "12");
      assertRejected(checkpoint::stack, "no matrices");
      assertRejected(() -> checkpoint.stack(new Matrix("q", 5), null), "matrix 1 is null");
    }
  }

  @Test
  void rejectsTensorsThatAreNotOfTheFormat() throws IOException {
    try (BitNetCheckpoint checkpoint =
        checkpoint("\"quant_method\":\"bitnet\",\"linear_class\":\"autobitlinear\"")) {
      assertRejected(() -> checkpoint.weights("q", 9), "q.weight", "U8 [2, 12]", "N 9");
      assertRejected(() -> checkpoint.weights("q", 0), "N 0");
      assertRejected(() -> checkpoint.weights("q", Long.MAX_VALUE), "N 9223372036854775807");
      assertRejected(() -> checkpoint.weights("dense", 8), "dense.weight", "F32");
      assertRejected(() -> checkpoint.weights("absent", 8), "absent.weight");
      assertRejected(() -> checkpoint.floats("absent"), "absent");
      assertRejected(() -> checkpoint.tensor(null), "null");
    }
  }

  @Test
  void readsTheConfiguration() throws IOException {
    try (BitNetCheckpoint checkpoint = checkpoint("\"quant_method\":\"bitnet\"")) {
      assertThat(checkpoint.configInt("hidden_size")).isEqualTo(12);
      assertThat(checkpoint.configDouble("eps")).isEqualTo(1e-5);
      assertThat(checkpoint.configText("quantization_config.quant_method")).isEqualTo("bitnet");
      assertThat(checkpoint.tensors().names()).contains("q.weight");
      assertRejected(() -> checkpoint.configInt("absent"), "absent");
      assertRejected(() -> checkpoint.configInt("none"), "none");
      assertRejected(() -> checkpoint.configInt("eps"), "eps", "1e-5", "whole number");
      assertRejected(
          () -> checkpoint.configDouble("quantization_config.quant_method"), "bitnet", "number");
    }
  }

  @Test
  void rejectsOtherConfigurations() throws IOException {
    assertRejected(
        () -> checkpoint("\"quant_method\":\"gptq\""),
        "config.json",
        "quant_method is \"gptq\"",
        "bitnet");
    assertRejected(() -> checkpoint(""), "quant_method is missing");
    assertRejected(
        () -> checkpoint("\"quant_method\":\"bitnet\",\"linear_class\":\"other\""),
        "\"other\"",
        "autobitlinear");
    assertRejected(
        () -> checkpoint("\"quant_method\":\"bitnet\",\"quant_method\":\"bitnet\""),
        "config.json",
        "Duplicate");
    Files.writeString(folder.resolve("config.json"), "[]");
    assertRejected(() -> BitNetCheckpoint.open(folder), "config.json", "object");
    Files.writeString(folder.resolve("config.json"), "{\"a\":");
    assertRejected(() -> BitNetCheckpoint.open(folder), "config.json", "JSON");
    assertRejected(() -> BitNetCheckpoint.open(null), "folder is null");
    assertThatThrownBy(() -> BitNetCheckpoint.open(folder.resolve("absent")))
        .isInstanceOf(UncheckedIOException.class)
        .hasMessageContaining("absent");
  }

  /** Each would change the numbers, so none is dropped; each can be done without by its name. */
  @Test
  void refusesWhatItDoesNotKnowByItsName() throws IOException {
    String known =
        "\"quant_method\":\"bitnet\",\"linear_class\":\"autobitlinear\",\"use_rms_norm\":false,"
            + "\"quantization_mode\":\"offline\",\"modules_to_not_convert\":[\"lm_head\"],"
            + "\"rms_norm_eps\":1e-6";
    checkpoint(known).close();
    for (String[] bad :
        new String[][] {
          {"use_rms_norm", "true"}, {"quantization_mode", "\"online\""}, {"group_size", "64"}
        }) {
      String name = "quantization_config." + bad[0];
      String json =
          known.replaceAll(",\"" + bad[0] + "\":[^,]*", "") + ",\"" + bad[0] + "\":" + bad[1];
      assertRejected(() -> checkpoint(json), "config.json", name);
      BitNetCheckpoint.builder(folder).ignoreConfig(name).build().close();
    }
  }

  @Test
  void aTensorOfALayerIsUsedOrNamed() throws IOException {
    checkpoint("\"quant_method\":\"bitnet\"").close();
    new SafetensorsWriter()
        .put("q.weight", TensorType.U8, packed(w5, 5), 2, K)
        .put("q.weight_scale", new float[] {4}, 1)
        .put("q.bias", new float[5], 5)
        .put("q.rms_norm.weight", new float[K], K)
        .put("qk.rms_norm.weight", new float[K], K)
        .write(folder.resolve("model.safetensors"));
    try (BitNetCheckpoint checkpoint = BitNetCheckpoint.open(folder)) {
      assertRejected(() -> checkpoint.weights("q", 5), "\"q\"", "\"q.rms_norm.weight\"", "ignored");
    }
    BitNetCheckpoint.Builder without =
        BitNetCheckpoint.builder(folder).ignoreTensors("q.*_norm.weight", "none");
    try (BitNetCheckpoint checkpoint = without.build()) {
      assertThat(checkpoint.tensorNames())
          .containsExactly("q.bias", "q.weight", "q.weight_scale", "qk.rms_norm.weight");
      checkpoint.weights("q", 5).close();
      assertThat(checkpoint.unreadTensors()).containsExactly("q.bias", "qk.rms_norm.weight");
      assertThat(checkpoint.bias("q")).hasSize(5);
      assertThat(checkpoint.tensor("qk.rms_norm.weight").elements()).isEqualTo(K);
      assertThat(checkpoint.unreadTensors()).isEmpty();
    }
    try (BitNetCheckpoint checkpoint =
        BitNetCheckpoint.builder(folder).ignoreTensors("*bias").build()) {
      assertThat(checkpoint.bias("q")).isNull();
    }
    assertRejected(() -> BitNetCheckpoint.builder(null), "folder is null");
    assertRejected(() -> without.ignoreTensors("a", null), "null");
    assertRejected(() -> without.ignoreConfig((String[]) null), "null");
  }

  @Test
  void aScaleOfManyValuesIsRefusedWithoutThem() throws IOException {
    checkpoint("\"quant_method\":\"bitnet\"").close();
    new SafetensorsWriter()
        .put("q.weight", TensorType.U8, packed(w5, 5), 2, K)
        .put("q.weight_scale", new float[100_000], 100_000)
        .write(folder.resolve("model.safetensors"));
    try (BitNetCheckpoint checkpoint = BitNetCheckpoint.open(folder)) {
      assertRejected(() -> checkpoint.weights("q", 5), "weight_scale\" is of 100000 values");
    }
  }

  /**
   * Layers of the real model on the inputs that its reference implementation recorded. The
   * reference multiplies in fp32 in its own order: with sums of at most K terms that differ by
   * rounding, 1e-4 of the largest output is ample for it and far below what one wrong code or scale
   * would do.
   */
  @Test
  void givesTheOutputsThatTheReferenceRecorded() {
    try (BitNetCheckpoint model = BitNetCheckpoint.open(MODEL);
        SafetensorsFile recorded = SafetensorsFile.open(MODEL.resolve("activations.safetensors"));
        TernaryRuntime runtime = TernaryRuntime.create()) {
      int compared = 0;
      for (String name : recorded.names()) {
        if (!name.endsWith(".input")) {
          continue;
        }
        String layer = name.substring(0, name.length() - ".input".length());
        Tensor expected = recorded.tensor(layer + ".output");
        int m = (int) expected.shape()[0];
        long n = expected.shape()[1];
        String matrix =
            model.tensors().names().contains(layer + ".weight") ? layer : "model." + layer;
        try (TernaryWeights weights = model.weights(matrix, n);
            TernaryLinear linear = TernaryLinear.builder(runtime, weights).build()) {
          float[] y = linear.apply(recorded.tensor(name).toFloats(), m);
          float[] reference = expected.toFloats();
          float largest = 0;
          float worst = 0;
          for (int i = 0; i < reference.length; i++) {
            largest = Math.max(largest, Math.abs(reference[i]));
            worst = Math.max(worst, Math.abs(y[i] - reference[i]));
          }
          assertThat(y).hasSameSizeAs(reference);
          assertThat(worst).as(layer).isLessThan(1e-4f * largest);
        }
        compared++;
      }
      assertThat(compared).isEqualTo(4 * 7);
    }
  }
}
