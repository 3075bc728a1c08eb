package org.ternarykernels.example;

import java.util.List;
import org.ternarykernels.io.BitNetCheckpoint;

/** Reads the {@code config.json} of a {@code BitNetForCausalLM}. */
final class BitNetConfig {
  private BitNetConfig() {}

  /** A missing or foreign value is an error that names it. */
  static ModelConfig of(BitNetCheckpoint checkpoint) {
    ConfigValues values = new ConfigValues(checkpoint);
    values.require("model_type", "bitnet");
    values.require("hidden_act", "relu2");
    values.require("tie_word_embeddings", "true");
    for (String off :
        List.of("mlp_bias", "use_sliding_window", "is_encoder_decoder", "add_cross_attention")) {
      values.requireIfSet(off, "false");
    }
    int hidden = values.positiveInt("hidden_size");
    return new ModelConfig(
        values.positiveInt("vocab_size"),
        hidden,
        values.positiveInt("num_hidden_layers"),
        values.positiveInt("max_position_embeddings"),
        values.positiveFloat("rms_norm_eps"),
        attention(values, hidden),
        new FeedForwardConfig.Dense(values.positiveInt("intermediate_size")),
        values.unknown());
  }

  private static AttentionConfig attention(ConfigValues values, int hidden) {
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
    return new AttentionConfig(
        heads,
        kvHeads,
        hidden / heads,
        values.flag("attention_bias"),
        AttentionConfig.ropeTheta(values));
  }
}
