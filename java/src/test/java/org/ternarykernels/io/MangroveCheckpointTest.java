package org.ternarykernels.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ternarykernels.Alpha;
import org.ternarykernels.DataType;
import org.ternarykernels.ExpertAlpha;
import org.ternarykernels.ExpertWeights;
import org.ternarykernels.TernaryBuffer;
import org.ternarykernels.TernaryWeights;

class MangroveCheckpointTest {
  private static final int E = 3;
  private static final int N = 5;

  /** No multiple of 4. */
  private static final int K = 10;

  private static final String MANGROVE =
      "\"quant_method\":\"mangrove\",\"alpha\":\"column\",\"threshold\":0.7";

  @TempDir Path folder;
  private final byte[] w = new byte[E * N * K];
  private final float[] alpha = new float[E * K];

  private Path model(String quantization) throws IOException {
    Random random = new Random(5);
    byte[] codes = new byte[E * N * 3];
    for (int i = 0; i < w.length; i++) {
      w[i] = (byte) (random.nextInt(3) - 1);
      codes[i / K * 3 + i % K / 4] |= (byte) (w[i] + 1 << 2 * (i % K % 4));
    }
    for (int i = 0; i < alpha.length; i++) {
      alpha[i] = 0.5f + i / 64f; // exact in bf16
    }
    Files.writeString(
        folder.resolve("config.json"), "{\"quantization_config\":{" + quantization + "}}");
    float[] first = Arrays.copyOf(alpha, K);
    byte[] wrong = Arrays.copyOf(codes, N * 3);
    wrong[7] |= 3;
    new SafetensorsWriter()
        .put("q.codes", TensorType.U8, Arrays.copyOf(codes, N * 3), N, 3)
        .put("q.alpha", TernaryBuffer.copyOf(DataType.BF16, first), K)
        .put("experts.codes", TensorType.U8, codes, E, N, 3)
        .put("experts.alpha", TernaryBuffer.copyOf(DataType.BF16, alpha), E, K)
        .put("wrong.codes", TensorType.U8, wrong, N, 3)
        .put("wrong.alpha", first, K)
        .put("floats.codes", new float[N * 3], N, 3)
        .put("bytes.codes", TensorType.U8, wrong, N, 3)
        .put("bytes.alpha", TensorType.U8, new byte[K], K)
        .write(folder.resolve("model.safetensors"));
    return folder;
  }

  private static void assertRejected(ThrowingCallable call, String... parts) {
    assertThatThrownBy(call)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll(parts);
  }

  @Test
  void aMatrixHasAnAlphaPerColumn() throws IOException {
    try (MangroveCheckpoint checkpoint = MangroveCheckpoint.open(model(MANGROVE));
        TernaryWeights weights = checkpoint.weights("q", N, K)) {
      assertThat(weights.unpack()).isEqualTo(Arrays.copyOf(w, N * K));
      assertThat(weights.alpha()).isEqualTo(Alpha.column(Arrays.copyOf(alpha, K)));
    }
  }

  @Test
  void expertsAreOneHandleWithAlphasOfTheirOwn() throws IOException {
    try (MangroveCheckpoint checkpoint = MangroveCheckpoint.open(model(MANGROVE));
        ExpertWeights weights = checkpoint.experts("experts", E, N, K)) {
      assertThat(weights.alpha()).isEqualTo(ExpertAlpha.column(alpha));
      for (int e = 0; e < E; e++) {
        try (TernaryWeights expert = weights.expert(e)) {
          assertThat(expert.unpack()).isEqualTo(Arrays.copyOfRange(w, e * N * K, (e + 1) * N * K));
        }
      }
      assertThat(checkpoint.unreadTensors()).contains("q.codes").doesNotContain("experts.alpha");
    }
  }

  @Test
  void whatIsNotOfTheFormatIsRefused() throws IOException {
    try (MangroveCheckpoint checkpoint = MangroveCheckpoint.open(model(MANGROVE))) {
      assertRejected(
          () -> checkpoint.weights("q", N + 1, K), "q.codes", "U8 [5, 3]", "must be U8 [6, 3]");
      assertRejected(() -> checkpoint.weights("q", N, 9), "q.alpha", "BF16 [10]", "[9]");
      assertRejected(() -> checkpoint.weights("experts", N, K), "experts.codes", "[3, 5, 3]");
      assertRejected(() -> checkpoint.experts("experts", 4, N, K), "experts.codes", "[4, 5, 3]");
      assertRejected(() -> checkpoint.weights("floats", N, K), "floats.codes", "F32 [5, 3]");
      assertRejected(() -> checkpoint.weights("bytes", N, K), "bytes.alpha", "of a float type");
      assertRejected(() -> checkpoint.weights("wrong", N, K), "3");
      assertRejected(() -> checkpoint.weights("nothing", N, K), "nothing.codes");
    }
  }

  @Test
  void theKindOfACheckpointIsTheFiles() throws IOException {
    try (Checkpoint checkpoint = Checkpoint.open(model(MANGROVE))) {
      assertThat(checkpoint).isInstanceOf(MangroveCheckpoint.class);
    }
    assertRejected(() -> BitNetCheckpoint.open(folder), "quantization_config");
    model("\"quant_method\":\"bitnet\"");
    try (Checkpoint checkpoint = Checkpoint.open(folder)) {
      assertThat(checkpoint).isInstanceOf(BitNetCheckpoint.class);
    }
    assertRejected(() -> MangroveCheckpoint.open(folder), "quant_method", "must be mangrove");
    for (String other : new String[] {"", "\"quant_method\":\"awq\""}) {
      model(other);
      assertRejected(() -> Checkpoint.open(folder), "quant_method", "must be bitnet or mangrove");
    }
    model(MANGROVE + ",\"rounding\":1");
    assertRejected(() -> Checkpoint.open(folder), "quantization_config.rounding");
    model("\"quant_method\":\"mangrove\"");
    assertRejected(() -> Checkpoint.open(folder), "alpha is missing, must be column");
  }
}
