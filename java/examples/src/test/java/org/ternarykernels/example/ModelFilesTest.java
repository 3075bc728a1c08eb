package org.ternarykernels.example;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.ternarykernels.Activation;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.io.BitNetCheckpoint;

/** What the files of a model say is used or refused by its name; nothing is dropped in silence. */
class ModelFilesTest {
  private static final int[] TOKENS = TinyBitNet.tokens("def f");
  private static final String Q = "model.layers.0.self_attn.q_proj";

  private static TernaryRuntime runtime;
  private static float[][] expected;

  @TempDir Path folder;
  private ModelVariant variant;

  @BeforeAll
  static void runTheModelAsItIs() {
    runtime = TernaryRuntime.create();
    try (Model model = Model.load(runtime, TinyBitNet.FOLDER)) {
      expected = TinyBitNet.logits(model, TOKENS, 8);
      assertThat(model.config().unknown()).isEmpty();
    }
  }

  @AfterAll
  static void close() {
    runtime.close();
  }

  @BeforeEach
  void copy() throws IOException {
    variant = new ModelVariant(folder);
  }

  private Model load() {
    return Model.load(runtime, folder);
  }

  private Model load(BitNetCheckpoint.Builder builder) {
    try (BitNetCheckpoint checkpoint = builder.build()) {
      return Model.load(runtime, checkpoint, Activation.A8);
    }
  }

  private static void assertUnchanged(Model model) {
    try (model) {
      assertThat(TinyBitNet.logits(model, TOKENS, 8)).isDeepEqualTo(expected);
    }
  }

  private void assertRefused(String... parts) {
    assertThatThrownBy(this::load)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll(parts);
  }

  /** Each is a value with which the network computes what it computed before. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "rope_scaling | null",
        "rope_scaling | {}",
        "rope_scaling | {\"type\":\"default\"}",
        "rope_parameters | {\"rope_type\":\"default\",\"rope_theta\":10000.0}",
        "rope_parameters | {\"rope_theta\":10000,\"partial_rotary_factor\":1}",
        "head_dim | null",
        "sliding_window | null",
        "mlp_bias | false",
        "attention_bias | null",
        "layer_types | []",
        "auto_map | {\"AutoModel\":\"x--y\"}",
        "id2label | {\"0\":\"scale\"}",
        "attention_dropout | 0.1",
        "max_position_embeddings | 2147483647"
      })
  void aValueThatChangesNothingIsTaken(String name, String json) throws IOException {
    variant.config(name, json);
    assertUnchanged(load());
  }

  @Test
  void theBaseOfTheRotationMayStandWhereTransformers5PutsIt() throws IOException {
    variant.without("rope_theta");
    assertRefused("no value rope_theta");
    variant.config("rope_parameters", "{\"rope_type\":\"default\",\"rope_theta\":10000.0}");
    assertUnchanged(load());
    variant.config("rope_theta", "500000.0");
    assertRefused("rope_parameters.rope_theta is 10000.0", "500000.0");
  }

  @Test
  void infinityIsTakenWhereNobodyNeedsTheNumber() throws IOException {
    String text = Files.readString(folder.resolve("config.json"));
    variant.configText(text.replaceFirst("\\{", "{\"time_step_limit\":[0.0,Infinity],\"x\":NaN,"));
    Model model = load();
    assertThat(model.config().unknown()).containsExactly("time_step_limit", "x");
    assertUnchanged(model);
    for (String name : new String[] {"rms_norm_eps", "rope_theta"}) {
      variant.configText(
          text.replaceFirst("\"" + name + "\": [^,]*", "\"" + name + "\": Infinity"));
      assertRefused(name, "Infinity", "finite number");
    }
    variant.configText(text.replaceFirst("\"hidden_size\": 384", "\"hidden_size\": NaN"));
    assertRefused("hidden_size", "NaN", "whole number");
  }

  /** The names are those that other networks of this family have. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "rope_scaling | {\"rope_type\":\"linear\",\"factor\":4.0} | rope_scaling.rope_type is"
            + " linear",
        "rope_scaling | {\"type\":\"dynamic\",\"factor\":4.0} | rope_scaling.type is dynamic",
        "rope_scaling | {\"factor\":4.0} | rope_scaling.factor",
        "rope_parameters | {\"rope_type\":\"yarn\"} | rope_parameters.rope_type is yarn",
        "rope_parameters | {\"beta_fast\":32} | rope_parameters.beta_fast",
        "rope_parameters | 4 | rope_parameters",
        "partial_rotary_factor | 0.5 | partial_rotary_factor is 0.5",
        "head_dim | 32 | head_dim is 32, must be 64",
        "use_qk_norm | true | use_qk_norm",
        "use_rms_norm | true | use_rms_norm",
        "logit_scale | 0.5 | logit_scale",
        "useRmsNorm | true | useRmsNorm",
        "prenorm | true | prenorm",
        "text_config | {\"num_heads\":2} | text_config.num_heads",
        "final_logit_softcapping | 30.0 | final_logit_softcapping",
        "sliding_window | 128 | sliding_window",
        "layer_types | [\"sliding_attention\"] | layer_types",
        "num_experts | 8 | num_experts",
        "embedding_multiplier | 12 | embedding_multiplier",
        "mlp_bias | true | mlp_bias is true",
        "hidden_act | \"silu\" | hidden_act is silu, must be relu2",
        "tie_word_embeddings | false | tie_word_embeddings is false",
        "attention_bias | 2 | attention_bias is 2, must be true or false"
      })
  void aValueThatCanChangeTheNumbersIsRefusedByItsName(String name, String json, String part)
      throws IOException {
    variant.config(name, json);
    assertRefused("config.json: ", part);
  }

  @Test
  void aValueOfTheFormatThatIsNotKnownIsRefusedByItsName() throws IOException {
    variant.config(
        "quantization_config",
        "{\"quant_method\":\"bitnet\",\"linear_class\":\"autobitlinear\",\"use_rms_norm\":true}");
    assertRefused("quantization_config.use_rms_norm");
    assertUnchanged(
        load(BitNetCheckpoint.builder(folder).ignoreConfig("quantization_config.use_rms_norm")));
  }

  @Test
  void whatIsIgnoredByItsNameIsAsIfItWereNotThere() throws IOException {
    variant.config("rope_scaling", "{\"rope_type\":\"linear\",\"factor\":4.0}");
    variant.config("head_dim", "32");
    assertUnchanged(
        load(BitNetCheckpoint.builder(folder).ignoreConfig("rope_scaling", "head_dim")));
  }

  @Test
  void aTensorThatIsNotUsedIsRefusedByItsName() throws IOException {
    variant.tensors(
        more -> {
          more.put(Q + ".bias", new float[384]);
          more.put("lm_head.weight", new float[8]);
          more.put("model.layers.0.mlp.up_proj.bias", new float[1040]);
        });
    assertRefused(Q + ".bias", "lm_head.weight", "model.layers.0.mlp.up_proj.bias");
    assertUnchanged(
        load(BitNetCheckpoint.builder(folder).ignoreTensors("*.bias", "lm_head.weight")));
    variant.config("num_hidden_layers", "3");
    assertRefused("model.layers.3.", "(");
    variant.config("num_hidden_layers", "2147483647");
    assertRefused("no tensor \"model.layers.4.");
  }

  @Test
  void aNormInsideALayerIsRefusedByItsName() throws IOException {
    variant.tensors(more -> more.put(Q + ".rms_norm.weight", new float[384]));
    assertRefused(Q + ".rms_norm.weight");
  }

  /**
   * The first layer's output differs by the biases alone, each times its matrix's scale as this
   * linear class has it. Two roundings lie between: of the sum, and of the difference.
   */
  @Test
  void attentionBiasIsAdded() throws IOException {
    variant.config("attention_bias", "true");
    variant.tensors(
        more -> {
          for (int layer = 0; layer < 4; layer++) {
            String attention = "model.layers." + layer + ".self_attn.";
            more.put(attention + "q_proj.bias", filled(384, 5));
            more.put(attention + "k_proj.bias", filled(128, -3));
            more.put(attention + "v_proj.bias", filled(128, 2));
            more.put(attention + "o_proj.bias", filled(384, 1));
          }
        });
    try (Model biased = load();
        Model plain = Model.load(runtime, TinyBitNet.FOLDER);
        BitNetCheckpoint checkpoint = BitNetCheckpoint.open(folder)) {
      float[] with = firstOutputs(biased);
      float[] without = firstOutputs(plain);
      for (int i = 0; i < with.length; i++) {
        String matrix = i < 384 ? "q_proj" : i < 512 ? "k_proj" : "v_proj";
        float scale = checkpoint.floats("model.layers.0.self_attn." + matrix + ".weight_scale")[0];
        float bias = (i < 384 ? 5 : i < 512 ? -3 : 2) * scale;
        assertThat((double) with[i] - without[i])
            .isCloseTo(bias, within(Math.ulp(with[i]) + Math.ulp(without[i]) + 0.0));
      }
      assertThat(Arrays.deepEquals(TinyBitNet.logits(biased, TOKENS, 8), expected)).isFalse();
    }
  }

  private static float[] filled(int length, float value) {
    float[] values = new float[length];
    Arrays.fill(values, value);
    return values;
  }

  private static float[] firstOutputs(Model model) {
    float[] x = new float[384];
    model.embed('d', x, 0);
    Rows rows = new Rows(model.config(), 1);
    rows.count(1);
    rows.residual.put(0, x);
    rows.delta.put(0, new float[384]);
    model.block(0).attention().project(rows);
    return rows.qkv.toArray();
  }

  @Test
  void aMissingBiasIsNamed() throws IOException {
    variant.config("attention_bias", "true");
    variant.tensors(more -> more.put(Q + ".bias", new float[384]));
    assertRefused("model.layers.0.self_attn.k_proj.bias has no values", "attention_bias");
    variant.tensors(more -> more.put(Q + ".bias", new float[383]));
    assertRefused(Q + ".bias has 383 values, must have 384");
  }

  @Test
  void aModelInShardsIsTheSame() throws IOException {
    variant.shards();
    assertUnchanged(load());
  }

  @Test
  void logitsThatAreNotFiniteAreAnErrorThatNamesThePosition() throws IOException {
    variant.tensors(more -> more.put("model.norm.weight", filled(384, Float.NaN)));
    try (Model model = load()) {
      Session session = model.session(3);
      session.append(TOKENS, 0, 2);
      session.append(TOKENS, 2, 3);
      assertThatThrownBy(() -> session.logits(1, new float[128]))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContainingAll("position 3 ", "token 0 is NaN");
      assertThatThrownBy(() -> Perplexity.bitsPerByte(model, TOKENS, 4, 2, done -> {}))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("position 0 ");
    }
  }
}
