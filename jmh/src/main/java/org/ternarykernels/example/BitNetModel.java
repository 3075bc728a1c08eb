package org.ternarykernels.example;

import java.nio.file.Path;
import org.ternarykernels.Activation;
import org.ternarykernels.RmsNormLinear;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.TernaryWeights;
import org.ternarykernels.io.BitNetCheckpoint;
import org.ternarykernels.io.BitNetCheckpoint.Matrix;

/**
 * A BitNet b1.58 network: its ternary layers as {@link RmsNormLinear}, its embedding and last norm
 * as fp32.
 *
 * <p>Every ternary layer of this architecture stands behind an RMSNorm, so a block is four calls:
 * norm + Q, K and V; sub-norm + output projection; norm + gate and up; sub-norm + down. The
 * residual stream is added in the first and the third. {@link BitNetSession} has the arithmetic
 * between them.
 *
 * <p>Immutable; any number of sessions may use one model from any number of threads.
 */
public final class BitNetModel implements AutoCloseable {
  /** One block. {@code qkv} and {@code gateUp} are stacked matrices with an alpha for each part. */
  record Block(RmsNormLinear qkv, RmsNormLinear output, RmsNormLinear gateUp, RmsNormLinear down) {}

  private final BitNetConfig config;
  private final float[] embedding;
  private final float[][] outputWeights;
  private final float[] norm;
  private final Block[] blocks;

  private BitNetModel(BitNetConfig config, float[] embedding, float[] norm, Block[] blocks) {
    this.config = config;
    this.embedding = embedding;
    this.outputWeights = transpose(embedding, config.vocabulary(), config.hidden());
    this.norm = norm;
    this.blocks = blocks;
  }

  /**
   * Loads {@code config.json} and {@code model.safetensors} of {@code folder}, with int8
   * activations as trained.
   */
  public static BitNetModel load(TernaryRuntime runtime, Path folder) {
    return load(runtime, folder, Activation.A8);
  }

  /**
   * As {@link #load(TernaryRuntime, Path)}; with A16 the activations are not quantised, which shows
   * what that costs.
   */
  public static BitNetModel load(TernaryRuntime runtime, Path folder, Activation activation) {
    try (BitNetCheckpoint checkpoint = BitNetCheckpoint.open(folder)) {
      BitNetConfig config = BitNetConfig.of(checkpoint);
      Loader loader =
          new Loader(runtime, checkpoint, config.eps(), activation, config.ternaryWeights());
      Block[] blocks = new Block[config.layers()];
      for (int i = 0; i < blocks.length; i++) {
        blocks[i] = loader.block(config, "model.layers." + i + ".");
      }
      float[] embedding = checkpoint.floats("model.embed_tokens.weight");
      requireLength("model.embed_tokens.weight", embedding, config.vocabulary() * config.hidden());
      float[] norm = checkpoint.floats("model.norm.weight");
      requireLength("model.norm.weight", norm, config.hidden());
      return new BitNetModel(config, embedding, norm, blocks);
    }
  }

  /** Makes layers of a checkpoint. */
  private record Loader(
      TernaryRuntime runtime,
      BitNetCheckpoint checkpoint,
      float eps,
      Activation activation,
      long workingSet) {
    Block block(BitNetConfig config, String prefix) {
      String attention = prefix + "self_attn.";
      String ffn = prefix + "mlp.";
      return new Block(
          layer(
              prefix + "input_layernorm",
              new Matrix(attention + "q_proj", config.queries()),
              new Matrix(attention + "k_proj", config.keys()),
              new Matrix(attention + "v_proj", config.keys())),
          layer(attention + "attn_sub_norm", new Matrix(attention + "o_proj", config.hidden())),
          layer(
              prefix + "post_attention_layernorm",
              new Matrix(ffn + "gate_proj", config.ffn()),
              new Matrix(ffn + "up_proj", config.ffn())),
          layer(ffn + "ffn_sub_norm", new Matrix(ffn + "down_proj", config.hidden())));
    }

    /** Matrices stacked into one layer behind its norm, each with its own alpha. */
    private RmsNormLinear layer(String norm, Matrix... matrices) {
      // The layer keeps the weights; this handle is no longer needed.
      try (TernaryWeights weights = checkpoint.stack(matrices)) {
        return RmsNormLinear.builder(runtime, weights)
            .norm(checkpoint.floats(norm + ".weight"), eps)
            .activation(activation)
            .workingSet(workingSet) // a token reads every layer before it comes back to this one
            .build();
      }
    }
  }

  /** The sizes. */
  public BitNetConfig config() {
    return config;
  }

  /** A new conversation with an empty cache that takes up to {@code batch} positions a call. */
  public BitNetSession session(int batch) {
    return new BitNetSession(this, batch);
  }

  Block block(int index) {
    return blocks[index];
  }

  /** Copies the embedding of a token to {@code target[offset ...]}. */
  void embed(int token, float[] target, int offset) {
    System.arraycopy(embedding, token * config.hidden(), target, offset, config.hidden());
  }

  float[] norm() {
    return norm;
  }

  /**
   * The embedding as output layer, {@code [hidden][vocabulary]}: one input feature's weights lie
   * together.
   */
  float[][] outputWeights() {
    return outputWeights;
  }

  @Override
  public void close() {
    for (Block block : blocks) {
      block.qkv.close();
      block.output.close();
      block.gateUp.close();
      block.down.close();
    }
  }

  private static float[][] transpose(float[] matrix, int rows, int columns) {
    float[][] transposed = new float[columns][rows];
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < columns; c++) {
        transposed[c][r] = matrix[r * columns + c];
      }
    }
    return transposed;
  }

  private static void requireLength(String name, float[] values, int expected) {
    if (values.length != expected) {
      throw new IllegalArgumentException(
          name + " has " + values.length + " values, config.json says " + expected);
    }
  }
}
