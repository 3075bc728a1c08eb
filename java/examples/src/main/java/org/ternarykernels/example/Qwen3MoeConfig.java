package org.ternarykernels.example;

import java.util.List;
import org.ternarykernels.io.MangroveCheckpoint;

/** Reads the {@code config.json} of a {@code Qwen3MoeForCausalLM} whose blocks all have experts. */
final class Qwen3MoeConfig {
  private Qwen3MoeConfig() {}

  /** A missing or foreign value is an error that names it. */
  static ModelConfig of(MangroveCheckpoint checkpoint) {
    ConfigValues values = new ConfigValues(checkpoint);
    values.require("model_type", "qwen3_moe");
    values.require("hidden_act", "silu");
    values.require("tie_word_embeddings", "true");
    values.requireIfSet("decoder_sparse_step", "1");
    for (String off : List.of("attention_bias", "use_sliding_window", "is_encoder_decoder")) {
      values.requireIfSet(off, "false");
    }
    values.pass(
        "intermediate_size", // of blocks without experts
        "sliding_window", // of use_sliding_window, as the next
        "max_window_layers",
        "output_router_logits",
        "router_aux_loss_coef"); // of training
    int hidden = values.positiveInt("hidden_size");
    return new ModelConfig(
        values.positiveInt("vocab_size"),
        hidden,
        values.positiveInt("num_hidden_layers"),
        values.positiveInt("max_position_embeddings"),
        values.positiveFloat("rms_norm_eps"),
        attention(values, hidden),
        experts(values),
        values.unknown());
  }

  private static AttentionConfig attention(ConfigValues values, int hidden) {
    int heads = values.positiveInt("num_attention_heads");
    int kvHeads = values.positiveInt("num_key_value_heads");
    int headDim = values.has("head_dim") ? values.positiveInt("head_dim") : hidden / heads;
    if (headDim < 1 || headDim % 2 != 0 || heads % kvHeads != 0) {
      throw new IllegalArgumentException(
          "config.json: head_dim "
              + headDim
              + ", num_attention_heads "
              + heads
              + " and num_key_value_heads "
              + kvHeads
              + " must make heads of an even size, shared evenly");
    }
    long projected = (heads + 2L * kvHeads) * headDim;
    if (projected > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          "config.json: the heads have " + projected + " features together, must be below 2^31");
    }
    return new AttentionConfig(heads, kvHeads, headDim, false, AttentionConfig.ropeTheta(values));
  }

  private static FeedForwardConfig experts(ConfigValues values) {
    int count = values.positiveInt("num_experts");
    int perToken = values.positiveInt("num_experts_per_tok");
    if (perToken > count) {
      throw new IllegalArgumentException(
          "config.json: num_experts_per_tok is "
              + perToken
              + ", must be at most num_experts, "
              + count);
    }
    return new FeedForwardConfig.Experts(
        count,
        perToken,
        values.positiveInt("moe_intermediate_size"),
        values.flag("norm_topk_prob"));
  }
}
