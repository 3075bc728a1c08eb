package org.ternarykernels.example;

import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.ternarykernels.io.Checkpoint;

/**
 * The values of a {@code config.json} while a model reads them. What it has not read in the end is
 * harmless, refused or reported: {@link #unknown}. The checkpoint itself has checked {@code
 * quantization_config}.
 */
final class ConfigValues {
  /** What says who made the file, how it was trained, and how its text is cut and drawn. */
  private static final Set<String> HARMLESS =
      Set.of(
          "architectures",
          "auto_map",
          "dtype",
          "torch_dtype",
          "transformers_version",
          "tokenizer_class",
          "_name_or_path",
          "_commit_hash",
          "_attn_implementation",
          "_attn_implementation_autoset",
          "_pre_quantization_dtype",
          "attn_implementation",
          "use_bfloat16",
          "torchscript",
          "return_dict",
          "output_attentions",
          "output_hidden_states",
          "initializer_range",
          "attention_dropout",
          "gradient_checkpointing",
          "chunk_size_feed_forward", // less memory for the same sums
          "pretraining_tp",
          "use_cache",
          "is_decoder",
          "bos_token_id",
          "eos_token_id",
          "pad_token_id",
          "sep_token_id",
          "unk_token_id",
          "id2label",
          "label2id",
          "problem_type",
          "task_specific_params");

  /**
   * Words that names of a network's parts and sizes are made of. An unknown value with one in its
   * name belongs to a network that computes something else.
   */
  private static final Set<String> WORDS =
      Set.of(
          ("act bit bits cap conv dim dims eps ffn key kv mlp moe pos qk qkv query rank rms rope"
                  + " tie tied value")
              .split(" "));

  /** The same, where they are a part of a word, as in layernorm. */
  private static final List<String> STEMS =
      List.of(
          ("activation alibi attention attn bias block capping depth embd embed epsilon expert"
                  + " factor gate group head hidden intermediate kernel latent layer logit lora"
                  + " multiplier norm offset parallel position quant residual rotary router routing"
                  + " scale scaling score shared sink size skip softcap softmax spars state ternary"
                  + " theta weight width window")
              .split(" "));

  private static final int SHOWN = 5;

  private final Checkpoint checkpoint;
  private final Set<String> unread;

  ConfigValues(Checkpoint checkpoint) {
    this.checkpoint = checkpoint;
    this.unread = new LinkedHashSet<>(checkpoint.configNames());
    unread.removeIf(name -> name.startsWith("quantization_config."));
  }

  boolean has(String name) {
    return checkpoint.configNames().contains(name);
  }

  private String text(String name) {
    unread.remove(name);
    return checkpoint.configText(name);
  }

  /** Refuses another value than the one that this model computes. */
  void require(String name, String expected) {
    String value = text(name);
    if (!value.equals(expected)) {
      throw new IllegalArgumentException(
          "config.json: "
              + name
              + " is "
              + shortened(value)
              + ", must be "
              + expected
              + " for this model, or be ignored by its name");
    }
  }

  /** As {@link #require}, of a value that need not be there. */
  void requireIfSet(String name, String expected) {
    if (has(name)) {
      require(name, expected);
    }
  }

  /** Counts values as read that change nothing in this network, whatever they are. */
  void pass(String... names) {
    unread.removeAll(Set.of(names));
  }

  /** A truth value; false if it is not there. */
  boolean flag(String name) {
    if (!has(name)) {
      return false;
    }
    String value = text(name);
    if (!value.equals("true") && !value.equals("false")) {
      throw new IllegalArgumentException(
          "config.json: " + name + " is " + shortened(value) + ", must be true or false");
    }
    return value.equals("true");
  }

  int positiveInt(String name) {
    unread.remove(name);
    int value = checkpoint.configInt(name);
    if (value < 1) {
      throw new IllegalArgumentException(
          "config.json: " + name + " is " + value + ", must be at least 1");
    }
    return value;
  }

  float positiveFloat(String name) {
    unread.remove(name);
    double value = checkpoint.configDouble(name);
    if (!((float) value > 0 && (float) value < Float.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException(
          "config.json: " + name + " is " + value + ", must be above 0 and finite as a float");
    }
    return (float) value;
  }

  /**
   * The values that nobody has read and whose names say nothing of a network.
   *
   * @throws IllegalArgumentException if there are some whose names do
   */
  List<String> unknown() {
    List<String> unknown =
        unread.stream().filter(name -> !HARMLESS.contains(name.split("\\.", 2)[0])).toList();
    List<String> refused = unknown.stream().filter(ConfigValues::isOfTheNetwork).toList();
    if (!refused.isEmpty()) {
      throw new IllegalArgumentException(
          "config.json: this model does not know "
              + listed(refused)
              + ", which can change its numbers, must be absent, or be ignored by name");
    }
    return unknown;
  }

  private static boolean isOfTheNetwork(String name) {
    String words = name.replaceAll("([a-z])([A-Z])", "$1_$2").toLowerCase(Locale.ROOT);
    return Arrays.stream(words.split("[^a-z]+"))
        .anyMatch(word -> WORDS.contains(word) || STEMS.stream().anyMatch(word::contains));
  }

  /** The first names of a list, and how many it has. */
  static String listed(List<String> names) {
    String first =
        String.join(", ", names.stream().limit(SHOWN).map(ConfigValues::shortened).toList());
    return names.size() <= SHOWN ? first : first + ", ... (" + names.size() + ")";
  }

  private static String shortened(String text) {
    return text.length() <= 100 ? text : text.substring(0, 100) + "...";
  }
}
