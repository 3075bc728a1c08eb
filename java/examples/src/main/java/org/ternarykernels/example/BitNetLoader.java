package org.ternarykernels.example;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.ternarykernels.Activation;
import org.ternarykernels.RmsNormLinear;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.TernaryWeights;
import org.ternarykernels.io.BitNetCheckpoint;
import org.ternarykernels.io.BitNetCheckpoint.Matrix;

/**
 * Makes the blocks of a BitNet b1.58. Every ternary layer of it stands behind an RMSNorm, so a
 * block is four calls: norm + Q, K and V; sub-norm + output projection; norm + gate and up;
 * sub-norm + down. The residual stream is added in the first and the third.
 */
final class BitNetLoader extends BlockLoader {
  private final BitNetCheckpoint checkpoint;

  BitNetLoader(TernaryRuntime runtime, BitNetCheckpoint checkpoint, Activation activation) {
    super(runtime, checkpoint, BitNetConfig.of(checkpoint), activation);
    this.checkpoint = checkpoint;
  }

  @Override
  Model.Block block(String prefix) {
    AttentionConfig sizes = config.attention();
    int width = ((FeedForwardConfig.Dense) config.feedForward()).width();
    String attention = prefix + "self_attn.";
    String ffn = prefix + "mlp.";
    RmsNormLinear qkv =
        layer(
            prefix + "input_layernorm",
            sizes.bias(),
            new Matrix(attention + "q_proj", sizes.queries()),
            new Matrix(attention + "k_proj", sizes.keys()),
            new Matrix(attention + "v_proj", sizes.keys()));
    RmsNormLinear output =
        layer(
            attention + "attn_sub_norm",
            sizes.bias(),
            new Matrix(attention + "o_proj", config.hidden()));
    RmsNormLinear gateUp =
        layer(
            prefix + "post_attention_layernorm",
            false,
            new Matrix(ffn + "gate_proj", width),
            new Matrix(ffn + "up_proj", width));
    RmsNormLinear down =
        layer(ffn + "ffn_sub_norm", false, new Matrix(ffn + "down_proj", config.hidden()));
    return new Model.Block(
        new AttentionLayers(List.of(qkv), null, (x, y, m) -> output.apply(x, null, null, y, m)),
        new DenseFeedForward(gateUp, down));
  }

  /** Matrices stacked into one layer behind its norm, each with its own alpha. */
  private RmsNormLinear layer(String norm, boolean biased, Matrix... matrices) {
    // The layer keeps the weights; this handle is no longer needed.
    try (TernaryWeights weights = checkpoint.stack(matrices)) {
      return made(
          RmsNormLinear.builder(runtime, weights)
              .norm(checkpoint.floats(norm + ".weight"), config.eps())
              .bias(biased ? bias(matrices) : null)
              .activation(activation)
              // A token reads every layer before it comes back to this one.
              .workingSet(config.ternaryWeights())
              .build());
    }
  }

  /** The biases of stacked matrices, one after the other. */
  private float[] bias(Matrix... matrices) {
    int length = 0;
    for (Matrix matrix : matrices) {
      length += (int) matrix.n();
    }
    float[] all = new float[length];
    int offset = 0;
    for (Matrix matrix : matrices) {
      float @Nullable [] bias = checkpoint.bias(matrix.name());
      if (bias == null || bias.length != matrix.n()) {
        throw new IllegalArgumentException(
            matrix.name()
                + ".bias has "
                + (bias == null ? "no" : bias.length)
                + " values, must have "
                + matrix.n()
                + " as attention_bias of config.json is true");
      }
      System.arraycopy(bias, 0, all, offset, bias.length);
      offset += bias.length;
    }
    return all;
  }
}
