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

  @Test
  void logitsDifferByFp32RoundingOnly() {
    double bound = 0;
    try (SafetensorsFile file = TinyMangrove.open("logits.safetensors")) {
      for (int prompt = 0; prompt < TinyMangrove.PROMPTS; prompt++) {
        float[][] logits = TinyBitNet.logits(model, TinyBitNet.tokens(file, prompt), 32);
        float[] expected = file.tensor("logits." + prompt).toFloats();
        double worst = 0;
        for (int i = 0; i < expected.length; i++) {
          worst = Math.max(worst, Math.abs(logits[i / 128][i % 128] - (double) expected[i]));
        }
        System.err.println("WORST " + prompt + " " + worst);
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
    System.err.println("BITS " + bits);
  }
}
