package org.ternarykernels.example;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One text passing through a {@link Model}: its KV cache, and the positions taken so far.
 *
 * <p>What is not a ternary layer is plain Java in a fixed order over one position at a time, so the
 * logits have the same bits whatever the batch, the texts beside it in a {@link SessionBatch}, the
 * number of threads and the instruction set. Not thread-safe.
 */
public final class Session {
  private final Model model;
  private final int batch;
  private final Attention[] attention;
  private @Nullable SessionBatch own;
  private int position;

  /**
   * Where the time of steps went.
   *
   * @param layers nanoseconds in calls of the library: the kernels, and what a call costs beside
   *     them
   * @param attention in attention and its cache, plain Java
   * @param other in embedding, dense activation function, norms without a product, last norm and
   *     output layer, plain Java
   */
  public record Times(long layers, long attention, long other) {
    /** What was added since an earlier moment. */
    public Times since(Times earlier) {
      return new Times(
          layers - earlier.layers, attention - earlier.attention, other - earlier.other);
    }

    /** All of it. */
    public long total() {
      return layers + attention + other;
    }
  }

  Session(Model model, int batch) {
    if (batch < 1) {
      throw new IllegalArgumentException("batch is " + batch + ", must be at least 1");
    }
    ModelConfig config = model.config();
    this.model = model;
    this.batch = Math.min(batch, config.context());
    AttentionConfig sizes = config.attention();
    RotaryEmbedding rotary = new RotaryEmbedding(sizes.headDim(), sizes.ropeTheta());
    attention = new Attention[config.layers()];
    for (int i = 0; i < attention.length; i++) {
      attention[i] = new Attention(sizes, config.context(), rotary);
    }
  }

  /** Positions taken so far; the next token's position. */
  public int position() {
    return position;
  }

  /** Positions that one call of {@link #append} takes at most. */
  public int batch() {
    return batch;
  }

  /** Forgets the text. */
  public void clear() {
    position = 0;
    own().clear();
  }

  /**
   * Passes {@code tokens[from ... from + count - 1]} through the network after the text so far.
   *
   * @throws IllegalArgumentException if a token is outside the vocabulary, or {@code count} is
   *     beyond the batch or what is left of the context
   */
  public void append(int[] tokens, int from, int count) {
    own().append(List.of(new SessionBatch.Part(this, tokens, from, count)));
  }

  /** Where the time of {@link #append} and {@link #logits} went since the session began. */
  public Times times() {
    return own().times();
  }

  /**
   * The logits after the {@code row}-th token of the last {@link #append}.
   *
   * @param logits receives one value for each token of the vocabulary
   * @throws IllegalStateException if one is not finite: something of the model is wrong
   */
  public void logits(int row, float[] logits) {
    own().logits(row, logits);
  }

  /** The rows of a session that goes alone; one in a batch has none. */
  private SessionBatch own() {
    SessionBatch rows = own;
    if (rows == null) {
      rows = new SessionBatch(model, batch);
      own = rows;
    }
    return rows;
  }

  Model model() {
    return model;
  }

  /** Attention of a block, with this text's cache. */
  Attention attention(int block) {
    return attention[block];
  }

  void advance(int count) {
    position += count;
  }
}
