package org.ternarykernels.example;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.ternarykernels.Activation;
import org.ternarykernels.RmsNormLinear;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.TernaryWeights;
import org.ternarykernels.io.BitNetCheckpoint;
import org.ternarykernels.io.BitNetCheckpoint.Matrix;

/** Makes the ternary layers of a checkpoint. */
final class BitNetLayers implements AutoCloseable {
  private final TernaryRuntime runtime;
  private final BitNetCheckpoint checkpoint;
  private final BitNetConfig config;
  private final Activation activation;
  private final List<RmsNormLinear> made = new ArrayList<>();

  BitNetLayers(
      TernaryRuntime runtime,
      BitNetCheckpoint checkpoint,
      BitNetConfig config,
      Activation activation) {
    this.runtime = runtime;
    this.checkpoint = checkpoint;
    this.config = config;
    this.activation = activation;
  }

  /** The block whose tensors begin so. */
  BitNetModel.Block block(String prefix) {
    String attention = prefix + "self_attn.";
    String ffn = prefix + "mlp.";
    return new BitNetModel.Block(
        layer(
            prefix + "input_layernorm",
            config.attentionBias(),
            new Matrix(attention + "q_proj", config.queries()),
            new Matrix(attention + "k_proj", config.keys()),
            new Matrix(attention + "v_proj", config.keys())),
        layer(
            attention + "attn_sub_norm",
            config.attentionBias(),
            new Matrix(attention + "o_proj", config.hidden())),
        layer(
            prefix + "post_attention_layernorm",
            false,
            new Matrix(ffn + "gate_proj", config.ffn()),
            new Matrix(ffn + "up_proj", config.ffn())),
        layer(ffn + "ffn_sub_norm", false, new Matrix(ffn + "down_proj", config.hidden())));
  }

  /** Matrices stacked into one layer behind its norm, each with its own alpha. */
  private RmsNormLinear layer(String norm, boolean biased, Matrix... matrices) {
    // The layer keeps the weights; this handle is no longer needed.
    try (TernaryWeights weights = checkpoint.stack(matrices)) {
      RmsNormLinear layer =
          RmsNormLinear.builder(runtime, weights)
              .norm(checkpoint.floats(norm + ".weight"), config.eps())
              .bias(biased ? bias(matrices) : null)
              .activation(activation)
              // A token reads every layer before it comes back to this one.
              .workingSet(config.ternaryWeights())
              .build();
      made.add(layer);
      return layer;
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

  /** Closes all layers that were made. */
  @Override
  public void close() {
    made.forEach(RmsNormLinear::close);
  }
}
