package org.ternarykernels.example;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.ternarykernels.Activation;
import org.ternarykernels.TernaryRuntime;

/**
 * The mixture of experts on a GPU: with A8 the CPU's bits and tokens, with A16 bits that do not
 * depend on the batch. {@code MangroveExpertsTest} holds A16 there to its bounds.
 */
@Tag("gpu")
class CudaMangroveTest {
  /** A batch, and a rest. */
  private static final int TOKENS = 20;

  private static final TernaryRuntime CPU = TernaryRuntime.builder().device("cpu").build();
  private static final TernaryRuntime GPU = TernaryRuntime.builder().device("cuda").build();

  @AfterAll
  static void close() {
    CPU.close();
    GPU.close();
  }

  private static Model model(TernaryRuntime runtime, Activation activation) {
    return Model.load(runtime, TinyMangrove.FOLDER, activation);
  }

  private static int[] text() throws IOException {
    return Arrays.copyOfRange(TinyBitNet.text(), 1000, 1000 + TOKENS);
  }

  private static void assertOnlyGpu() {
    assertThat(GPU.pathCounts().keySet())
        .allMatch(path -> path.contains(".cuda."))
        .anyMatch(path -> path.startsWith("moe_gate_up."))
        .anyMatch(path -> path.startsWith("route."));
  }

  @ParameterizedTest
  @ValueSource(strings = {"a8", "a8:128"})
  void logitsHaveTheCpusBits(String text) throws Exception {
    Activation activation = Activation.parse(text);
    try (Model cpu = model(CPU, activation);
        Model gpu = model(GPU, activation)) {
      GPU.resetCounters();
      float[][] logits = TinyBitNet.logits(gpu, text(), 16);
      assertThat(logits).isDeepEqualTo(TinyBitNet.logits(cpu, text(), 5));
      assertOnlyGpu();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"a8", "a8:128"})
  void decodesTheCpusTokens(String text) {
    Activation activation = Activation.parse(text);
    try (Model cpu = model(CPU, activation);
        Model gpu = model(GPU, activation)) {
      assertThat(decoded(gpu)).hasSize(12).isEqualTo(decoded(cpu));
    }
  }

  private static List<Integer> decoded(Model model) {
    List<Integer> tokens = new ArrayList<>();
    new TextGenerator(model, 8)
        .generate(TinyBitNet.tokens("def main("), 12, new Sampler(0.8f, 3), tokens::add);
    return tokens;
  }

  @Test
  void rowsOfA16DoNotDependOnOtherRows() throws Exception {
    try (Model gpu = model(GPU, Activation.A16)) {
      GPU.resetCounters();
      float[][] alone = TinyBitNet.logits(gpu, text(), 1);
      assertThat(TinyBitNet.logits(gpu, text(), 16)).isDeepEqualTo(alone);
      assertThat(TinyBitNet.logits(gpu, text(), 7)).isDeepEqualTo(alone);
      assertOnlyGpu();
    }
  }
}
