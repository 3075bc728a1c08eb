package org.ternarykernels.example;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.ternarykernels.Activation;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.io.SafetensorsFile;

/** The whole mixture of experts, with A16 as it was trained, against another implementation. */
class MangroveReferenceTest {
  private static TernaryRuntime runtime;
  private static Model model;

  @BeforeAll
  static void load() {
    runtime = TernaryRuntime.create();
    model = Model.load(runtime, TinyMangrove.FOLDER, Activation.A16);
  }

  @AfterAll
  static void close() {
    model.close();
    runtime.close();
  }

  /**
   * Only fp32 roundings differ, and no router decides otherwise. About 6,500 of them are in a row:
   * 4 blocks of norms, projections and products of 256 and 192 features, attention and a router,
   * then 256 in the logit. They err like a random walk, as in ReferenceTest.
   */
  @Test
  void logitsDifferByFp32RoundingOnly() {
    double bound = 4 * Math.sqrt(6500) * 0x1p-24 * ReferenceTest.largestLogit(model);
    try (SafetensorsFile file = TinyMangrove.open("logits.safetensors")) {
      for (int prompt = 0; prompt < TinyMangrove.PROMPTS; prompt++) {
        float[][] logits = TinyBitNet.logits(model, TinyBitNet.tokens(file, prompt), 32);
        float[] expected = file.tensor("logits." + prompt).toFloats();
        for (int i = 0; i < expected.length; i++) {
          assertThat((double) logits[i / 128][i % 128])
              .as("prompt %d, position %d, token %d", prompt, i / 128, i % 128)
              .isCloseTo(expected[i], within(bound));
        }
      }
    }
  }

  @Test
  void greedyTextIsTheReferencesWhereItsMarginAllows() throws Exception {
    for (JsonNode entry : TinyMangrove.reference().get("prompts")) {
      String prompt = entry.get("prompt").asText();
      String greedy = entry.get("greedy").asText();
      StringBuilder text = new StringBuilder();
      new TextGenerator(model, 16)
          .generate(
              TinyBitNet.tokens(prompt),
              greedy.length(),
              new Sampler(0, 0),
              token -> text.append((char) token));
      int safe = entry.get("safe").asInt();
      assertThat(text.substring(0, safe)).as(prompt).isEqualTo(greedy.substring(0, safe));
    }
  }

  @Test
  void bitsPerByteAreTheReferences() throws Exception {
    JsonNode reference = TinyMangrove.reference();
    int[] last = {0};
    double bits =
        Perplexity.bitsPerByte(model, TinyBitNet.text(), 512, 128, done -> last[0] = done);
    assertThat(last[0]).isEqualTo(reference.get("bytes").asInt());
    assertThat(bits).isCloseTo(reference.get("bits_per_byte").asDouble(), within(0.002));
  }
}
