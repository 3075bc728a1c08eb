package org.ternarykernels.example;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.ternarykernels.DataType;
import org.ternarykernels.RmsNormLinear;
import org.ternarykernels.TernaryBuffer;

/**
 * One text passing through a {@link BitNetModel}: its KV cache, and the activations of the
 * positions in flight.
 *
 * <p>What is not a ternary layer is plain Java in a fixed order over one position at a time, so the
 * logits have the same bits whatever the batch, the number of threads and the instruction set. Not
 * thread-safe.
 */
public final class BitNetSession {
  private final BitNetModel model;
  private final BitNetConfig config;
  private final int batch;
  private final Attention[] attention;

  private final TernaryBuffer residual;
  private final TernaryBuffer delta;
  private final TernaryBuffer qkv;
  private final TernaryBuffer heads;
  private final TernaryBuffer gateUp;
  private final TernaryBuffer ffn;
  private final float[] qkvRow;
  private final float[] headsRow;
  private final float[] gateUpRow;
  private final float[] ffnRow;
  private final float[] hiddenRow;
  private final float[] deltaRow;

  private int position;
  private int rows;
  private long layerNanos;
  private long attentionNanos;
  private long otherNanos;

  /**
   * Where the time of a session went.
   *
   * @param layers nanoseconds in calls of ternary layers: the kernels, and what a call costs beside
   *     them
   * @param attention in attention and its cache, plain Java
   * @param other in embedding, activation function, last norm and output layer, plain Java
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

  BitNetSession(BitNetModel model, int batch) {
    if (batch < 1) {
      throw new IllegalArgumentException("batch is " + batch + ", must be at least 1");
    }
    this.model = model;
    this.config = model.config();
    this.batch = Math.min(batch, config.context());
    RotaryEmbedding rotary = new RotaryEmbedding(config.headDim(), config.ropeTheta());
    attention = new Attention[config.layers()];
    for (int i = 0; i < attention.length; i++) {
      attention[i] = new Attention(config, rotary);
    }
    residual = rows(config.hidden());
    delta = rows(config.hidden());
    qkv = rows(config.queries() + 2 * config.keys());
    heads = rows(config.queries());
    gateUp = rows(2 * config.ffn());
    ffn = rows(config.ffn());
    qkvRow = new float[config.queries() + 2 * config.keys()];
    headsRow = new float[config.queries()];
    gateUpRow = new float[2 * config.ffn()];
    ffnRow = new float[config.ffn()];
    hiddenRow = new float[config.hidden()];
    deltaRow = new float[config.hidden()];
  }

  private TernaryBuffer rows(int columns) {
    return TernaryBuffer.allocate(DataType.F32, (long) batch * columns);
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
    rows = 0;
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
    long elsewhere = layerNanos + attentionNanos;
    rows = count;
    for (int m = 0; m < count; m++) {
      model.embed(tokens[from + m], hiddenRow, 0);
      residual.put((long) m * config.hidden(), hiddenRow);
    }
    for (int i = 0; i < config.layers(); i++) {
      BitNetModel.Block block = model.block(i);
      if (i == 0) {
        apply(block.qkv(), residual, null, qkv, count);
      } else {
        apply(block.qkv(), delta, residual, qkv, count);
      }
      attend(attention[i], count);
      apply(block.output(), heads, null, delta, count);
      apply(block.gateUp(), delta, residual, gateUp, count);
      activate(count);
      apply(block.down(), ffn, null, delta, count);
    }
    position += count;
    otherNanos += System.nanoTime() - begin - (layerNanos + attentionNanos - elsewhere);
  }

  /** A layer, with the residual stream added in place if there is one. */
  private void apply(
      RmsNormLinear layer,
      TernaryBuffer x,
      @Nullable TernaryBuffer stream,
      TernaryBuffer y,
      int count) {
    long begin = System.nanoTime();
    layer.apply(x, stream, stream, y, count);
    layerNanos += System.nanoTime() - begin;
  }

  /**
   * Where the time went since the session began; two looks at the clock a call, some 50 ns, are in
   * it.
   */
  public Times times() {
    return new Times(layerNanos, attentionNanos, otherNanos);
  }

  /**
   * Passes the next positions through attention, one after the other: each sees itself and those
   * before it.
   */
  private void attend(Attention layer, int count) {
    long begin = System.nanoTime();
    for (int m = 0; m < count; m++) {
      qkv.get((long) m * qkvRow.length, qkvRow);
      layer.append(position + m, qkvRow, headsRow);
      heads.put((long) m * headsRow.length, headsRow);
    }
    attentionNanos += System.nanoTime() - begin;
  }

  private void activate(int count) {
    for (int m = 0; m < count; m++) {
      gateUp.get((long) m * gateUpRow.length, gateUpRow);
      for (int i = 0; i < ffnRow.length; i++) {
        ffnRow[i] = gated(gateUpRow[i], gateUpRow[ffnRow.length + i]);
      }
      ffn.put((long) m * ffnRow.length, ffnRow);
    }
  }

  /** The gated squared ReLU. */
  static float gated(float gate, float up) {
    float positive = Math.max(gate, 0);
    return positive * positive * up;
  }

  /**
   * The logits after the {@code row}-th token of the last {@link #append}: last norm, then the tied
   * embedding.
   *
   * @param logits receives one value for each token of the vocabulary
   * @throws IllegalStateException if one is not finite: something of the model is wrong
   */
  public void logits(int row, float[] logits) {
    if (row < 0 || row >= rows) {
      throw new IndexOutOfBoundsException("row is " + row + ", the last append had " + rows);
    }
    if (logits.length != config.vocabulary()) {
      throw new IllegalArgumentException(
          "logits has " + logits.length + " places, must have " + config.vocabulary());
    }
    long begin = System.nanoTime();
    residual.get((long) row * hiddenRow.length, hiddenRow);
    delta.get((long) row * deltaRow.length, deltaRow);
    for (int i = 0; i < hiddenRow.length; i++) {
      hiddenRow[i] += deltaRow[i];
    }
    normalise(hiddenRow);
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
    requireFinite(logits, position - rows + row);
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

  /** RMSNorm in place, the squares summed in double and ascending. */
  private void normalise(float[] x) {
    double squares = 0;
    for (float value : x) {
      squares += (double) value * value;
    }
    float scale = (float) (1 / Math.sqrt(squares / x.length + config.eps()));
    float[] weight = model.norm();
    for (int i = 0; i < x.length; i++) {
      x[i] = x[i] * scale * weight[i];
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
