package org.ternarykernels.example;

import java.util.Arrays;

/**
 * One text passing through a {@link Model}: its KV cache, and the activations of the positions in
 * flight.
 *
 * <p>What is not a ternary layer is plain Java in a fixed order over one position at a time, so the
 * logits have the same bits whatever the batch, the number of threads and the instruction set. Not
 * thread-safe.
 */
public final class Session {
  private final Model model;
  private final ModelConfig config;
  private final int batch;
  private final Attention[] attention;

  private final Rows rows;
  private final float[] qkvRow;
  private final float[] headsRow;
  private final float[] hiddenRow;
  private final float[] deltaRow;

  private int position;
  private long attentionNanos;
  private long otherNanos;

  /**
   * Where the time of a session went.
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
    this.model = model;
    this.config = model.config();
    this.batch = Math.min(batch, config.context());
    AttentionConfig sizes = config.attention();
    RotaryEmbedding rotary = new RotaryEmbedding(sizes.headDim(), sizes.ropeTheta());
    attention = new Attention[config.layers()];
    for (int i = 0; i < attention.length; i++) {
      attention[i] = new Attention(sizes, config.context(), rotary);
    }
    rows = new Rows(config, this.batch);
    qkvRow = new float[sizes.projected()];
    headsRow = new float[sizes.queries()];
    hiddenRow = new float[config.hidden()];
    deltaRow = new float[config.hidden()];
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
    rows.count(0);
  }

  /**
   * Passes {@code tokens[from ... from + count - 1]} through the network after the text so far.
   *
   * @throws IllegalArgumentException if a token is outside the vocabulary, or {@code count} is
   *     beyond the batch or what is left of the context
   */
  public void append(int[] tokens, int from, int count) {
    check(tokens, from, count);
    long begin = System.nanoTime();
    long elsewhere = rows.layerNanos() + attentionNanos;
    rows.count(count);
    Arrays.fill(deltaRow, 0);
    for (int m = 0; m < count; m++) {
      model.embed(tokens[from + m], hiddenRow, 0);
      rows.residual.put((long) m * config.hidden(), hiddenRow);
      rows.delta.put((long) m * config.hidden(), deltaRow);
    }
    for (int i = 0; i < config.layers(); i++) {
      Block block = model.block(i);
      block.attention().project(rows);
      attend(attention[i]);
      block.attention().output(rows);
      block.feedForward().apply(rows);
    }
    position += count;
    otherNanos += System.nanoTime() - begin - (rows.layerNanos() + attentionNanos - elsewhere);
  }

  /**
   * Where the time went since the session began; two looks at the clock a call, some 50 ns, are in
   * it.
   */
  public Times times() {
    return new Times(rows.layerNanos(), attentionNanos, otherNanos);
  }

  /**
   * Passes the next positions through attention, one after the other: each sees itself and those
   * before it.
   */
  private void attend(Attention layer) {
    long begin = System.nanoTime();
    for (int m = 0; m < rows.count(); m++) {
      rows.qkv.get((long) m * qkvRow.length, qkvRow);
      layer.append(position + m, qkvRow, headsRow);
      rows.heads.put((long) m * headsRow.length, headsRow);
    }
    attentionNanos += System.nanoTime() - begin;
  }

  /**
   * The logits after the {@code row}-th token of the last {@link #append}: last norm, then the tied
   * embedding.
   *
   * @param logits receives one value for each token of the vocabulary
   * @throws IllegalStateException if one is not finite: something of the model is wrong
   */
  public void logits(int row, float[] logits) {
    if (row < 0 || row >= rows.count()) {
      throw new IndexOutOfBoundsException(
          "row is " + row + ", the last append had " + rows.count());
    }
    if (logits.length != config.vocabulary()) {
      throw new IllegalArgumentException(
          "logits has " + logits.length + " places, must have " + config.vocabulary());
    }
    long begin = System.nanoTime();
    rows.residual.get((long) row * hiddenRow.length, hiddenRow);
    rows.delta.get((long) row * deltaRow.length, deltaRow);
    for (int i = 0; i < hiddenRow.length; i++) {
      hiddenRow[i] += deltaRow[i];
    }
    model.norm().apply(hiddenRow);
    Arrays.fill(logits, 0);
    // Feature by feature, so that the inner loop runs over outputs and vectorises without changing
    // any sum's order.
    for (int i = 0; i < hiddenRow.length; i++) {
      float x = hiddenRow[i];
      float[] weights = model.outputWeights()[i];
      for (int v = 0; v < logits.length; v++) {
        logits[v] += x * weights[v];
      }
    }
    requireFinite(logits, position - rows.count() + row);
    otherNanos += System.nanoTime() - begin;
  }

  private static void requireFinite(float[] logits, int position) {
    for (int token = 0; token < logits.length; token++) {
      if (!Float.isFinite(logits[token])) {
        throw new IllegalStateException(
            "the logits after the token at position "
                + position
                + " are not finite: that of token "
                + token
                + " is "
                + logits[token]
                + "; a weight of the model must be wrong");
      }
    }
  }

  private void check(int[] tokens, int from, int count) {
    if (count < 1 || count > batch) {
      throw new IllegalArgumentException("count is " + count + ", must be 1 to " + batch);
    }
    if (count > config.context() - position) {
      throw new IllegalArgumentException(
          "the text would be "
              + (position + count)
              + " tokens long, the model's context is "
              + config.context());
    }
    for (int i = from; i < from + count; i++) {
      if (tokens[i] < 0 || tokens[i] >= config.vocabulary()) {
        throw new IllegalArgumentException(
            "token "
                + tokens[i]
                + " at place "
                + i
                + " is outside the vocabulary of "
                + config.vocabulary());
      }
    }
  }
}
