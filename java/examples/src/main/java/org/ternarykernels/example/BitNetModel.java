package org.ternarykernels.example;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.ternarykernels.Activation;
import org.ternarykernels.RmsNormLinear;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.io.BitNetCheckpoint;

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
      return load(runtime, checkpoint, activation);
    }
  }

  /**
   * Loads an open checkpoint. Every tensor of it is used, or the model is refused with its name:
   * one that may be left out must be ignored when the checkpoint is opened. So is a value of {@code
   * config.json} that can change the numbers; {@link BitNetConfig#unknown} has the others.
   */
  public static BitNetModel load(
      TernaryRuntime runtime, BitNetCheckpoint checkpoint, Activation activation) {
    BitNetConfig config = BitNetConfig.of(checkpoint);
    // First what tells the sizes of the file from those of a config.json that does not belong to
    // it: nothing large is made for the latter.
    float[] embedding =
        floats(
            checkpoint, "model.embed_tokens.weight", (long) config.vocabulary() * config.hidden());
    float[] norm = floats(checkpoint, "model.norm.weight", config.hidden());
    BitNetLayers layers = new BitNetLayers(runtime, checkpoint, config, activation);
    try {
      List<Block> blocks = new ArrayList<>();
      for (int i = 0; i < config.layers(); i++) {
        blocks.add(layers.block("model.layers." + i + "."));
      }
      requireAllRead(checkpoint);
      return new BitNetModel(config, embedding, norm, blocks.toArray(Block[]::new));
    } catch (RuntimeException e) {
      layers.close();
      throw e;
    }
  }

  /** A dense tensor of a known size. */
  private static float[] floats(BitNetCheckpoint checkpoint, String name, long expected) {
    long elements = checkpoint.tensor(name).elements();
    if (elements != expected) {
      throw new IllegalArgumentException(
          name + " has " + elements + " values, config.json says " + expected);
    }
    return checkpoint.floats(name);
  }

  private static void requireAllRead(BitNetCheckpoint checkpoint) {
    List<String> unread = checkpoint.unreadTensors();
    if (!unread.isEmpty()) {
      throw new IllegalArgumentException(
          "this model does not use the tensors "
              + ConfigValues.listed(unread)
              + ", which can change its numbers, must be without them, or they be ignored by name");
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
}
