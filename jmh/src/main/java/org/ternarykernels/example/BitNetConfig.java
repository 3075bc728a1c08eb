package org.ternarykernels.example;

import org.ternarykernels.io.BitNetCheckpoint;

/**
 * Sizes of a {@code BitNetForCausalLM}.
 *
 * @param context positions the model was trained for, and the length of the KV cache
 */
public record BitNetConfig(
    int vocabulary,
    int hidden,
    int ffn,
    int layers,
    int heads,
    int kvHeads,
    int headDim,
    int context,
    float eps,
    float ropeTheta) {

  /** Reads {@code config.json}; a missing or foreign value is an error that names it. */
  static BitNetConfig of(BitNetCheckpoint checkpoint) {
    require(checkpoint, "model_type", "bitnet");
    require(checkpoint, "hidden_act", "relu2");
    require(checkpoint, "tie_word_embeddings", "true");
    int hidden = positive(checkpoint, "hidden_size");
    int heads = positive(checkpoint, "num_attention_heads");
    int kvHeads = positive(checkpoint, "num_key_value_heads");
    if (hidden % heads != 0 || hidden / heads % 2 != 0 || heads % kvHeads != 0) {
      throw new IllegalArgumentException(
          "config.json: hidden_size "
              + hidden
              + ", num_attention_heads "
              + heads
              + " and num_key_value_heads "
              + kvHeads
              + " must make heads of an even size, shared evenly");
    }
    return new BitNetConfig(
        positive(checkpoint, "vocab_size"),
        hidden,
        positive(checkpoint, "intermediate_size"),
        positive(checkpoint, "num_hidden_layers"),
        heads,
        kvHeads,
        hidden / heads,
        positive(checkpoint, "max_position_embeddings"),
        (float) checkpoint.configDouble("rms_norm_eps"),
        (float) checkpoint.configDouble("rope_theta"));
  }

  /** Features of all query heads together. */
  public int queries() {
    return heads * headDim;
  }

  /** Features of all key heads together; the values have as many. */
  public int keys() {
    return kvHeads * headDim;
  }

  /** Weights of all ternary layers, which a token reads once. */
  public long ternaryWeights() {
    long attention = (long) hidden * (queries() + 2L * keys()) + (long) queries() * hidden;
    return layers * (attention + 3L * ffn * hidden);
  }

  private static int positive(BitNetCheckpoint checkpoint, String name) {
    int value = checkpoint.configInt(name);
    if (value < 1) {
      throw new IllegalArgumentException(
          "config.json: " + name + " is " + value + ", must be at least 1");
    }
    return value;
  }

  private static void require(BitNetCheckpoint checkpoint, String name, String expected) {
    String value = checkpoint.configText(name);
    if (!value.equals(expected)) {
      throw new IllegalArgumentException(
          "config.json: " + name + " is " + value + "; this example runs " + expected);
    }
  }
}
