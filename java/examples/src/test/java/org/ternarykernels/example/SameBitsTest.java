package org.ternarykernels.example;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.ternarykernels.Activation;
import org.ternarykernels.Isa;
import org.ternarykernels.TernaryRuntime;

/** Instruction set, threads and batch change nothing but time. */
class SameBitsTest {
  private static final int[] BATCHES = {1, 7, 96};

  @ParameterizedTest
  @CsvSource({
    "tiny-bitnet, a8",
    "tiny-bitnet, a8:128",
    "tiny-mangrove, a8",
    "tiny-mangrove, a8:128",
    "tiny-mangrove, a16"
  })
  void logitsHaveTheSameBitsOnEveryIsaWithAnyThreadsAndBatch(String name, String text)
      throws Exception {
    Activation activation = Activation.parse(text);
    Path folder = TinyBitNet.FOLDER.resolveSibling(name);
    int[] tokens = Arrays.copyOfRange(TinyBitNet.text(), 1000, 1096);
    float[][] expected = null;
    for (Isa isa : available()) {
      for (int threads : new int[] {1, 2}) {
        try (TernaryRuntime runtime =
                TernaryRuntime.builder().maxIsa(isa).threads(threads).build();
            Model model = Model.load(runtime, folder, activation)) {
          for (int batch : BATCHES) {
            float[][] logits = TinyBitNet.logits(model, tokens, batch);
            expected = expected == null ? logits : expected;
            for (int i = 0; i < tokens.length; i++) {
              assertThat(logits[i])
                  .as("%s, %d threads, batch %d, position %d", isa, threads, batch, i)
                  .isEqualTo(expected[i]);
            }
          }
          assertThat(runtime.pathCounts().keySet())
              .as("the forced instruction set was reached")
              .anyMatch(path -> path.endsWith("." + isa.id()));
          assertThat(runtime.pathCounts().keySet())
              .filteredOn(path -> path.contains(".gem"))
              .as("blocks reach the kernels of products")
              .isNotEmpty()
              .allMatch(path -> path.contains(".block128.") == activation.block() > 0);
        }
      }
    }
  }

  @Test
  void textAndBitsPerByteDoNotDependOnTheBatch() throws Exception {
    int[] text = Arrays.copyOf(TinyBitNet.text(), 700);
    try (TernaryRuntime runtime = TernaryRuntime.create();
        Model model = Model.load(runtime, TinyBitNet.FOLDER)) {
      List<Integer> first = null;
      double bits = Double.NaN;
      for (int batch : BATCHES) {
        List<Integer> tokens = new ArrayList<>();
        new TextGenerator(model, batch)
            .generate(
                TinyBitNet.tokens("class Queue:\n    def __init__(self"),
                60,
                new Sampler(0.8f, 3),
                tokens::add);
        first = first == null ? tokens : first;
        assertThat(tokens).isEqualTo(first);
        double now = Perplexity.bitsPerByte(model, text, 300, batch, done -> {});
        bits = Double.isNaN(bits) ? now : bits;
        assertThat(now).isEqualTo(bits);
      }
    }
  }

  @Test
  void aClearedSessionStartsAnew() throws Exception {
    int[] text = Arrays.copyOf(TinyBitNet.text(), 40);
    try (TernaryRuntime runtime = TernaryRuntime.create();
        Model model = Model.load(runtime, TinyBitNet.FOLDER)) {
      float[] before = new float[model.config().vocabulary()];
      float[] after = new float[model.config().vocabulary()];
      Session session = model.session(64);
      session.append(text, 0, 20);
      session.logits(19, before);
      session.append(text, 20, 20);
      session.clear();
      session.append(text, 0, 20);
      session.logits(19, after);
      assertThat(after).isEqualTo(before);
    }
  }

  @Test
  void whatDoesNotFitIsRefused() {
    try (TernaryRuntime runtime = TernaryRuntime.create();
        Model model = Model.load(runtime, TinyBitNet.FOLDER)) {
      Session session = model.session(512);
      assertThatThrownBy(() -> session.append(new int[] {1, 128}, 0, 2))
          .hasMessageContaining("token 128 at place 1");
      assertThatThrownBy(() -> session.append(new int[513], 0, 513))
          .hasMessageContaining("count is 513");
      session.append(new int[512], 0, 512);
      assertThatThrownBy(() -> session.append(new int[1], 0, 1))
          .hasMessageContaining("513 tokens")
          .hasMessageContaining("512");
      assertThatThrownBy(() -> session.logits(512, new float[128]))
          .hasMessageContaining("row is 512");
      assertThatThrownBy(() -> model.session(0)).hasMessageContaining("batch is 0");
    }
  }

  private static List<Isa> available() throws Exception {
    List<Isa> isas = new ArrayList<>();
    try (TernaryRuntime runtime = TernaryRuntime.create()) {
      for (JsonNode isa : new ObjectMapper().readTree(runtime.infoJson()).get("isas")) {
        if (isa.get("available").asBoolean()) {
          isas.add(Isa.of(isa.get("name").asText()));
        }
      }
    }
    return isas;
  }
}
