package org.ternarykernels.example;

import java.util.List;
import org.ternarykernels.Activation;
import org.ternarykernels.ExpertWeights;
import org.ternarykernels.MoeLayer;
import org.ternarykernels.RmsNormLinear;
import org.ternarykernels.Router;
import org.ternarykernels.TernaryLinear;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.TernaryWeights;
import org.ternarykernels.io.MangroveCheckpoint;

/**
 * Makes the blocks of a ternary Qwen3-MoE. Its matrices have column alphas of their own, so Q, K
 * and V are three layers behind one norm. The output projection and the experts have no norm
 * within.
 */
final class Qwen3MoeLoader extends BlockLoader {
  private final MangroveCheckpoint checkpoint;

  Qwen3MoeLoader(TernaryRuntime runtime, MangroveCheckpoint checkpoint, Activation activation) {
    super(runtime, checkpoint, Qwen3MoeConfig.of(checkpoint), activation);
    this.checkpoint = checkpoint;
  }

  @Override
  Model.Block block(String prefix) {
    return new Model.Block(attention(prefix), feedForward(prefix));
  }

  private AttentionLayers attention(String prefix) {
    AttentionConfig sizes = config.attention();
    String attention = prefix + "self_attn.";
    float[] norm = floats(prefix + "input_layernorm.weight", config.hidden());
    List<RmsNormLinear> projections =
        List.of(
            projection(attention + "q_proj", sizes.queries(), norm),
            projection(attention + "k_proj", sizes.keys(), norm),
            projection(attention + "v_proj", sizes.keys(), norm));
    HeadNorms norms =
        new HeadNorms(
            runtime,
            sizes,
            floats(attention + "q_norm.weight", sizes.headDim()),
            floats(attention + "k_norm.weight", sizes.headDim()),
            config.eps());
    return new AttentionLayers(projections, norms, output(attention + "o_proj"));
  }

  private RmsNormLinear projection(String name, int n, float[] norm) {
    try (TernaryWeights weights = checkpoint.weights(name, n, config.hidden())) {
      return made(
          RmsNormLinear.builder(runtime, weights)
              .norm(norm, config.eps())
              .activation(activation)
              .workingSet(config.ternaryWeights())
              .build());
    }
  }

  private AttentionLayers.Product output(String name) {
    try (TernaryWeights weights =
        checkpoint.weights(name, config.hidden(), config.attention().queries())) {
      TernaryLinear layer =
          TernaryLinear.builder(runtime, weights)
              .activation(activation)
              .workingSet(config.ternaryWeights())
              .build();
      return made(layer)::apply;
    }
  }

  private FeedForward feedForward(String prefix) {
    FeedForwardConfig.Experts sizes = (FeedForwardConfig.Experts) config.feedForward();
    int hidden = config.hidden();
    String mlp = prefix + "mlp.";
    return new ExpertFeedForward(
        runtime,
        new RmsNorm(floats(prefix + "post_attention_layernorm.weight", hidden), config.eps()),
        router(mlp + "gate.weight", sizes),
        experts(mlp, sizes));
  }

  private Router router(String name, FeedForwardConfig.Experts sizes) {
    Router.Builder router =
        Router.builder(sizes.count(), sizes.perToken())
            .matrix(buffer(name, (long) sizes.count() * config.hidden()), config.hidden());
    return (sizes.renormalise() ? router.renormalise(0) : router).build();
  }

  private MoeLayer experts(String mlp, FeedForwardConfig.Experts sizes) {
    int hidden = config.hidden();
    try (ExpertWeights gateUp =
            checkpoint.experts(mlp + "gate_up", sizes.count(), 2L * sizes.width(), hidden);
        ExpertWeights down =
            checkpoint.experts(mlp + "down", sizes.count(), hidden, sizes.width())) {
      return made(MoeLayer.builder(runtime, gateUp, down).activation(activation).build());
    }
  }
}
