package org.ternarykernels.example;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.ternarykernels.Activation;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.io.Checkpoint;

/**
 * A network of ternary layers: its blocks, its embedding and last norm as fp32. A BitNet b1.58 or a
 * Qwen3-MoE; {@link BlockLoader} has one class for each.
 *
 * <p>A block is attention and a feed-forward layer, and each adds to the residual stream what the
 * one before has computed. {@link Session} has the text that passes through.
 *
 * <p>Immutable; any number of sessions may use one model from any number of threads.
 */
public final class Model implements AutoCloseable {
  private final ModelConfig config;
  private final float[] embedding;
  private final float[][] outputWeights;
  private final RmsNorm norm;
  private final List<Block> blocks;
  private final List<AutoCloseable> layers;

  /** Attention and a feed-forward layer. */
  record Block(AttentionLayers attention, FeedForward feedForward) {}

  private Model(BlockLoader loader, float[] embedding, float[] norm, List<Block> blocks) {
    this.config = loader.config;
    this.layers = loader.made();
    this.embedding = embedding;
    this.outputWeights = transpose(embedding, config.vocabulary(), config.hidden());
    this.norm = new RmsNorm(norm, config.eps());
    this.blocks = blocks;
  }

  /**
   * Loads {@code config.json} and {@code model.safetensors} of {@code folder}, with int8
   * activations.
   */
  public static Model load(TernaryRuntime runtime, Path folder) {
    return load(runtime, folder, Activation.A8);
  }

  /**
   * As {@link #load(TernaryRuntime, Path)}; with A16 the activations are not quantised, which shows
   * what that costs.
   */
  public static Model load(TernaryRuntime runtime, Path folder, Activation activation) {
    try (Checkpoint checkpoint = Checkpoint.open(folder)) {
      return load(runtime, checkpoint, activation);
    }
  }

  /**
   * Loads an open checkpoint. Every tensor of it is used, or the model is refused with its name:
   * one that may be left out must be ignored when the checkpoint is opened. So is a value of {@code
   * config.json} that can change the numbers; {@link ModelConfig#unknown} has the others.
   */
  public static Model load(TernaryRuntime runtime, Checkpoint checkpoint, Activation activation) {
    BlockLoader loader = BlockLoader.of(runtime, checkpoint, activation);
    ModelConfig config = loader.config;
    // First what tells the sizes of the file from those of a config.json that does not belong to
    // it: nothing large is made for the latter.
    float[] embedding =
        loader.floats("model.embed_tokens.weight", (long) config.vocabulary() * config.hidden());
    float[] norm = loader.floats("model.norm.weight", config.hidden());
    try {
      List<Block> blocks = new ArrayList<>();
      for (int i = 0; i < config.layers(); i++) {
        blocks.add(loader.block("model.layers." + i + "."));
      }
      requireAllRead(checkpoint);
      return new Model(loader, embedding, norm, blocks);
    } catch (RuntimeException e) {
      BlockLoader.close(loader.made());
      throw e;
    }
  }

  private static void requireAllRead(Checkpoint checkpoint) {
    List<String> unread = checkpoint.unreadTensors();
    if (!unread.isEmpty()) {
      throw new IllegalArgumentException(
          "this model does not use the tensors "
              + ConfigValues.listed(unread)
              + ", which can change its numbers, must be without them, or they be ignored by name");
    }
  }

  /** The sizes. */
  public ModelConfig config() {
    return config;
  }

  /** A new conversation with an empty cache that takes up to {@code batch} positions a call. */
  public Session session(int batch) {
    return new Session(this, batch);
  }

  /** Room for steps of several sessions at once, of up to {@code rows} positions together. */
  public SessionBatch batch(int rows) {
    return new SessionBatch(this, rows);
  }

  Block block(int index) {
    return blocks.get(index);
  }

  /** Copies the embedding of a token to {@code target[offset ...]}. */
  void embed(int token, float[] target, int offset) {
    System.arraycopy(embedding, token * config.hidden(), target, offset, config.hidden());
  }

  RmsNorm norm() {
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
    BlockLoader.close(layers);
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
