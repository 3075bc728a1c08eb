package org.ternarykernels.example;

import java.util.List;
import org.ternarykernels.io.BitNetCheckpoint;

/**
 * Sizes of a {@code BitNetForCausalLM}.
 *
 * @param attentionBias whether Q, K, V and the output projection have a bias
 * @param context positions the model was trained for; the KV cache grows no longer
 * @param unknown names of values of {@code config.json} that this model does not know; those that
 *     can change its numbers have been refused
 */
public record BitNetConfig(
    int vocabulary,
    int hidden,
    int ffn,
    int layers,
    int heads,
    int kvHeads,
    int headDim,
    boolean attentionBias,
    int context,
    float eps,
    float ropeTheta,
    List<String> unknown) {

  /** Where rope_theta stands: beside the rest, or where transformers 5 puts it. */
  private static final List<String> ROPE = List.of("", "rope_parameters.", "rope_scaling.");

  /** Reads {@code config.json}; a missing or foreign value is an error that names it. */
  static BitNetConfig of(BitNetCheckpoint checkpoint) {
    ConfigValues values = new ConfigValues(checkpoint);
    values.require("model_type", "bitnet");
    values.require("hidden_act", "relu2");
    values.require("tie_word_embeddings", "true");
    for (String off :
        List.of("mlp_bias", "use_sliding_window", "is_encoder_decoder", "add_cross_attention")) {
      values.requireIfSet(off, "false");
    }
    int hidden = values.positiveInt("hidden_size");
    int heads = values.positiveInt("num_attention_heads");
    int kvHeads = values.positiveInt("num_key_value_heads");
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
    // The norm behind attention has hidden_size values, so heads together have no other size.
    values.requireIfSet("head_dim", Integer.toString(hidden / heads));
    return new BitNetConfig(
        values.positiveInt("vocab_size"),
        hidden,
        values.positiveInt("intermediate_size"),
        values.positiveInt("num_hidden_layers"),
        heads,
        kvHeads,
        hidden / heads,
        values.flag("attention_bias"),
        values.positiveInt("max_position_embeddings"),
        values.positiveFloat("rms_norm_eps"),
        ropeTheta(values),
        values.unknown());
  }

  /** The rotation's base; of the ways to stretch it only the one that changes nothing is known. */
  private static float ropeTheta(ConfigValues values) {
    float theta = 0;
    for (String section : ROPE) {
      values.requireIfSet(section + "rope_type", "default");
      if (!section.isEmpty()) {
        values.requireIfSet(section + "type", "default"); // its older name
      }
      String factor = section + "partial_rotary_factor";
      if (values.has(factor) && values.positiveFloat(factor) != 1) {
        values.require(factor, "1.0");
      }
      String name = section + "rope_theta";
      if (values.has(name)) {
        float value = values.positiveFloat(name);
        if (theta != 0 && theta != value) {
          throw new IllegalArgumentException(
              "config.json: " + name + " is " + value + ", must be " + theta + " as said before");
        }
        theta = value;
      }
    }
    return theta != 0 ? theta : values.positiveFloat("rope_theta"); // says that it is missing
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
    double columns = 2.0 * queries() + 2.0 * keys() + 3.0 * ffn;
    return (long) (layers * columns * hidden); // exact below 2^53, and no overflow above
  }
}
