package org.ternarykernels.example;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;

/**
 * Sizes of a {@code BitNetForCausalLM}, from its {@code config.json}.
 *
 * @param context positions the model was trained for, and the length of the KV cache
 */
public record BitNetConfig(
    int vocabulary, int hidden, int ffn, int layers, int heads, int kvHeads, int headDim, int context,
    float eps, float ropeTheta) {

  /** Reads {@code folder/config.json}; a missing or foreign field is an error that names it. */
  public static BitNetConfig read(Path folder) throws IOException {
    Path file = folder.resolve("config.json");
    JsonNode json = new ObjectMapper().readTree(file.toFile());
    require(file, json, "model_type", "bitnet");
    require(file, json, "hidden_act", "relu2");
    require(file, json, "tie_word_embeddings", "true");
    int hidden = positive(file, json, "hidden_size");
    int heads = positive(file, json, "num_attention_heads");
    BitNetConfig config = new BitNetConfig(
        positive(file, json, "vocab_size"), hidden, positive(file, json, "intermediate_size"),
        positive(file, json, "num_hidden_layers"), heads, positive(file, json, "num_key_value_heads"),
        json.has("head_dim") ? positive(file, json, "head_dim") : hidden / heads,
        positive(file, json, "max_position_embeddings"),
        (float) field(file, json, "rms_norm_eps").asDouble(), (float) field(file, json, "rope_theta").asDouble());
    if (config.heads % config.kvHeads != 0 || config.headDim % 2 != 0) {
      throw new IllegalArgumentException(file + ": num_attention_heads (" + config.heads
          + ") must be a multiple of num_key_value_heads (" + config.kvHeads + ") and head_dim ("
          + config.headDim + ") even");
    }
    return config;
  }

  /** Features of all query heads together. */
  public int queries() {
    return heads * headDim;
  }

  /** Features of all key heads together; the values have as many. */
  public int keys() {
    return kvHeads * headDim;
  }

  private static JsonNode field(Path file, JsonNode json, String name) {
    JsonNode value = json.get(name);
    if (value == null || value.isNull()) {
      throw new IllegalArgumentException(file + " has no \"" + name + "\"");
    }
    return value;
  }

  private static int positive(Path file, JsonNode json, String name) {
    JsonNode value = field(file, json, name);
    if (!value.canConvertToInt() || value.asInt() < 1) {
      throw new IllegalArgumentException(file + ": \"" + name + "\" is " + value + ", must be a whole number from 1");
    }
    return value.asInt();
  }

  private static void require(Path file, JsonNode json, String name, String expected) {
    String value = field(file, json, name).asText();
    if (!value.equals(expected)) {
      throw new IllegalArgumentException(file + ": \"" + name + "\" is " + value + "; this example runs " + expected);
    }
  }
}
