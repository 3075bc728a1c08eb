package org.ternarykernels.example;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.ternarykernels.Activation;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.io.SafetensorsFile;

/**
 * The whole model against the logits, the texts and the bits per byte of another implementation.
 */
class ReferenceTest {
  private static TernaryRuntime runtime;
  private static Model model;

  @BeforeAll
  static void load() {
    runtime = TernaryRuntime.create();
    model = Model.load(runtime, TinyBitNet.FOLDER);
  }

  @AfterAll
  static void close() {
    model.close();
    runtime.close();
  }

  /**
   * Two right implementations differ in the order of their fp32 sums, so now and then an activation
   * that lies between two int8 steps is rounded the other way, and the next layers see that. But
   * both are roundings of the same network of real activations, which A16 computes: each is off it
   * by the noise of quantisation, so they are off each other by at most twice that, in RMS and in
   * the largest logit.
   */
  @Test
  void logitsDifferFromTheReferenceByLessThanTheNoiseOfQuantisation() {
    try (Model exact = Model.load(runtime, TinyBitNet.FOLDER, Activation.A16);
        SafetensorsFile file = TinyBitNet.open("logits.safetensors")) {
      for (int prompt = 0; prompt < TinyBitNet.PROMPTS; prompt++) {
        int[] tokens = TinyBitNet.tokens(file, prompt);
        float[][] logits = TinyBitNet.logits(model, tokens, 32);
        float[][] unquantised = TinyBitNet.logits(exact, tokens, 32);
        float[] expected = file.tensor("logits." + prompt).toFloats();
        double error = 0;
        double noise = 0;
        double largestError = 0;
        double largestNoise = 0;
        for (int i = 0; i < expected.length; i++) {
          double e = Math.abs(logits[i / 128][i % 128] - (double) expected[i]);
          double n = Math.abs(logits[i / 128][i % 128] - (double) unquantised[i / 128][i % 128]);
          error += e * e;
          noise += n * n;
          largestError = Math.max(largestError, e);
          largestNoise = Math.max(largestNoise, n);
        }
        assertThat(Math.sqrt(error))
            .as("RMS, prompt %d", prompt)
            .isLessThanOrEqualTo(2 * Math.sqrt(noise));
        assertThat(largestError)
            .as("largest, prompt %d", prompt)
            .isLessThanOrEqualTo(2 * largestNoise);
      }
    }
  }

  /**
   * Where no activation is rounded the other way, only fp32 roundings remain. About 8600 of them
   * are in a row (4 blocks with norms and sums over 384, 384 and 1040 features and attention, then
   * 384 in the logit), which err like a random walk: 4 * sqrt(8600) * 2^-24 of {@code sum |h * w|
   * <= |h| * |w|}, and {@code |h| <= sqrt(384) * max norm weight} after an RMSNorm. Our bits are
   * the same on every machine, so how long that lasts is a fact: at least the first position of
   * every prompt, and 64 positions of the first.
   */
  @Test
  void logitsDifferByFp32RoundingOnlyUntilTheFirstRoundingThatFallsTheOtherWay() {
    int[] positions = {64, 1, 1};
    double bound = 4 * Math.sqrt(8600) * 0x1p-24 * largestLogit(model);
    try (SafetensorsFile file = TinyBitNet.open("logits.safetensors")) {
      for (int prompt = 0; prompt < TinyBitNet.PROMPTS; prompt++) {
        float[][] logits = TinyBitNet.logits(model, TinyBitNet.tokens(file, prompt), 32);
        float[] expected = file.tensor("logits." + prompt).toFloats();
        for (int i = 0; i < positions[prompt] * 128; i++) {
          assertThat((double) logits[i / 128][i % 128]).isCloseTo(expected[i], within(bound));
        }
      }
    }
  }

  /** The largest logit that an RMSNorm before the output layer allows. */
  static double largestLogit(Model model) {
    int hidden = model.config().hidden();
    double norm = 0;
    for (float weight : model.norm().weight()) {
      norm = Math.max(norm, Math.abs(weight));
    }
    double row = 0;
    for (int v = 0; v < model.config().vocabulary(); v++) {
      double squares = 0;
      for (int i = 0; i < hidden; i++) {
        double w = model.outputWeights()[i][v];
        squares += w * w;
      }
      row = Math.max(row, Math.sqrt(squares));
    }
    return Math.sqrt(hidden) * norm * row;
  }

  @Test
  void greedyTextIsTheReferencesWhereItsMarginAllows() throws Exception {
    for (JsonNode entry : TinyBitNet.reference().get("greedy")) {
      String prompt = entry.get("prompt").asText();
      int safe = entry.get("safe").asInt();
      StringBuilder text = new StringBuilder();
      new TextGenerator(model, 16)
          .generate(
              TinyBitNet.tokens(prompt),
              entry.get("tokens").asInt(),
              new Sampler(0, 0),
              token -> text.append((char) token));
      assertThat(text).hasSize(entry.get("tokens").asInt());
      assertThat(text.substring(0, safe))
          .as(prompt)
          .isEqualTo(entry.get("greedy").asText().substring(0, safe));
    }
  }

  @Test
  void bitsPerByteAreTheReferences() throws Exception {
    JsonNode expected = TinyBitNet.reference().get("bits_per_byte");
    int[] last = {0};
    double bits =
        Perplexity.bitsPerByte(
            model, TinyBitNet.text(), expected.get("window").asInt(), 128, done -> last[0] = done);
    assertThat(last[0]).isEqualTo(expected.get("bytes").asInt());
    assertThat(bits).isCloseTo(expected.get("value").asDouble(), within(0.002));
  }

  @Test
  void aFolderWithoutAModelIsAnErrorThatNamesTheFile() {
    Path nowhere = Path.of("no-such-folder");
    assertThat(catchThrowable(() -> Model.load(runtime, nowhere)))
        .hasMessageContaining("no-such-folder");
  }
}
