package org.ternarykernels.example;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.regex.Matcher;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.ternarykernels.TernaryRuntime;

/**
 * Sizes of config.json that do not belong to the tensors, drawn with a fixed seed: the model gives
 * finite logits, or it is refused in one short sentence, and nothing large is made for it.
 */
class ConfigMutationTest {
  private static final int ROUNDS = 200;
  private static final String[] NAMES = {
    "hidden_size",
    "num_attention_heads",
    "num_key_value_heads",
    "vocab_size",
    "intermediate_size",
    "num_hidden_layers",
    "max_position_embeddings",
    "head_dim",
    "num_experts",
    "num_experts_per_tok",
    "moe_intermediate_size",
    "rms_norm_eps",
    "rope_theta"
  };
  private static final String[] VALUES = {
    "0", "-1", "1", "2", "3", "2147483647", "2147483648", "1e9", "NaN", "-Infinity", "\"x\"",
    "null", "[]", "[1]", "{}", "{\"a\":1}", "true", "1000000000", "384", "6", "1e-400", "1e400",
    "1e39", "-1.5", "0.0", "12", "128", "65536", "100000000", "49152"
  };

  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"tiny-bitnet", "tiny-mangrove"})
  void everyModelRunsOrIsRefusedInOneShortSentence(String name) throws IOException {
    ModelVariant variant = new ModelVariant(folder, TinyBitNet.FOLDER.resolveSibling(name));
    String good = Files.readString(folder.resolve("config.json"));
    Random random = new Random(32);
    int ran = 0;
    try (TernaryRuntime runtime = TernaryRuntime.create()) {
      for (int i = 0; i < ROUNDS; i++) {
        String mutant = good;
        for (int changes = 1 + random.nextInt(2); changes > 0; changes--) {
          String member = NAMES[random.nextInt(NAMES.length)];
          String value = VALUES[random.nextInt(VALUES.length)];
          mutant =
              mutant.replaceFirst(
                  "\"" + member + "\": *[^,}\\n]+",
                  Matcher.quoteReplacement("\"" + member + "\": " + value));
        }
        variant.configText(mutant);
        try (Model model = Model.load(runtime, folder)) {
          new TextGenerator(model, 2).generate(new int[] {97, 98}, 2, new Sampler(0, 1), t -> {});
          ran++;
        } catch (IllegalArgumentException e) {
          assertThat(e.getMessage()).as(mutant).hasSizeBetween(1, 600);
        }
      }
    }
    assertThat(ran).isBetween(ROUNDS / 100, ROUNDS / 2);
  }
}
