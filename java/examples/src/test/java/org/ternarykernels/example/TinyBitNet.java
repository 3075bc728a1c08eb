package org.ternarykernels.example;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.ternarykernels.io.SafetensorsFile;

/** The trained model of the repository and what another implementation says about it. */
final class TinyBitNet {
  static final Path FOLDER = Path.of(System.getProperty("test.data"), "tiny-bitnet");
  static final int PROMPTS = 3;

  private TinyBitNet() {}

  static JsonNode reference() throws IOException {
    return new ObjectMapper().readTree(FOLDER.resolve("reference.json").toFile());
  }

  static int[] text() throws IOException {
    return tokens(Files.readString(FOLDER.resolve("text.txt"), StandardCharsets.US_ASCII));
  }

  static int[] tokens(String text) {
    return text.chars().toArray();
  }

  static SafetensorsFile open(String name) {
    return SafetensorsFile.open(FOLDER.resolve(name));
  }

  static int[] tokens(SafetensorsFile logits, int prompt) {
    return Arrays.stream(logits.tensor("tokens." + prompt).toLongs())
        .mapToInt(Math::toIntExact)
        .toArray();
  }

  /** The logits at every position, read in batches. */
  static float[][] logits(Model model, int[] tokens, int batch) {
    Session session = model.session(batch);
    float[][] logits = new float[tokens.length][model.config().vocabulary()];
    for (int from = 0; from < tokens.length; from += batch) {
      int count = Math.min(batch, tokens.length - from);
      session.append(tokens, from, count);
      for (int row = 0; row < count; row++) {
        session.logits(row, logits[from + row]);
      }
    }
    return logits;
  }
}
