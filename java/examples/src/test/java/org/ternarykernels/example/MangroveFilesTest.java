package org.ternarykernels.example;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
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
import org.ternarykernels.io.Checkpoint;

/** What the files of a mixture of experts say is used or refused by its name. */
class MangroveFilesTest {
  private static final int[] TOKENS = TinyBitNet.tokens("def f");

  private static TernaryRuntime runtime;
  private static float[][] expected;

  @TempDir Path folder;
  private ModelVariant variant;

  @BeforeAll
  static void runTheModelAsItIs() {
    runtime = TernaryRuntime.create();
    try (Model model = Model.load(runtime, TinyMangrove.FOLDER)) {
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
    variant = new ModelVariant(folder, TinyMangrove.FOLDER);
  }

  private void assertRefused(String... parts) {
    assertThatThrownBy(() -> Model.load(runtime, folder))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll(parts);
  }

  private float[][] logits() {
    try (Model model = Model.load(runtime, folder)) {
      return TinyBitNet.logits(model, TOKENS, 8);
    }
  }

  /** Values that published models of this architecture have, and that change nothing here. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "intermediate_size | 6144",
        "sliding_window | 4096",
        "max_window_layers | 48",
        "use_sliding_window | false",
        "output_router_logits | false",
        "router_aux_loss_coef | 0.001",
        "rope_scaling | null",
        "attention_dropout | 0.0"
      })
  void aValueThatChangesNothingIsTaken(String name, String json) throws IOException {
    variant.config(name, json);
    assertThat(logits()).isDeepEqualTo(expected);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "model_type | \"qwen3\" | model_type is qwen3, must be qwen3_moe",
        "hidden_act | \"gelu\" | hidden_act is gelu, must be silu",
        "tie_word_embeddings | false | tie_word_embeddings is false",
        "decoder_sparse_step | 2 | decoder_sparse_step is 2, must be 1",
        "mlp_only_layers | [1] | mlp_only_layers",
        "use_sliding_window | true | use_sliding_window is true",
        "attention_bias | true | attention_bias is true",
        "norm_topk_prob | 2 | norm_topk_prob is 2",
        "num_experts | 8 | gate.weight has 4096 values, config.json says 2048",
        "num_experts_per_tok | 17 | num_experts_per_tok is 17, must be at most num_experts, 16",
        "moe_intermediate_size | 96 | gate_up.codes",
        "head_dim | 31 | head_dim 31",
        "head_dim | 32 | q_proj.codes",
        "num_shared_experts | 1 | num_shared_experts",
        "routed_scaling_factor | 2.5 | routed_scaling_factor",
        "quantization_config | {\"quant_method\":\"gptq\"} | quant_method is \"gptq\", must be"
            + " bitnet or mangrove",
        "quantization_config | null | quant_method is missing",
        "quantization_config | {\"quant_method\":\"mangrove\",\"alpha\":\"row\"} | alpha is"
            + " \"row\", must be column",
        "quantization_config | {\"quant_method\":\"mangrove\",\"alpha\":\"column\",\"group\":64} |"
            + " quantization_config.group is not known"
      })
  void aValueThatCanChangeTheNumbersIsRefusedByItsName(String name, String json, String part)
      throws IOException {
    variant.config(name, json);
    assertRefused(part);
  }

  @Test
  void weightsAreRenormalisedOnlyWhereTheConfigSaysSo() throws IOException {
    variant.without("norm_topk_prob");
    assertThat(Arrays.deepEquals(logits(), expected)).isFalse();
  }

  @Test
  void aTensorThatIsNotUsedIsRefusedByItsName() throws IOException {
    String shared = "model.layers.0.mlp.shared_expert_gate.weight";
    variant.tensors(more -> more.put(shared, new float[256]));
    assertRefused(shared);
    try (Checkpoint checkpoint = Checkpoint.builder(folder).ignoreTensors(shared).build();
        Model model = Model.load(runtime, checkpoint, Activation.A8)) {
      assertThat(TinyBitNet.logits(model, TOKENS, 8)).isDeepEqualTo(expected);
    }
  }

  @Test
  void aModelInShardsIsTheSame() throws IOException {
    variant.shards();
    assertThat(logits()).isDeepEqualTo(expected);
  }
}
