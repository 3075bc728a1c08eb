package org.ternarykernels.example;

import java.util.Arrays;
import java.util.List;

/**
 * Steps of several texts at once: the positions of all of them go through the layers together, as a
 * server batches its users. The logits have the same bits as those of each text alone.
 *
 * <p>Not thread-safe.
 */
public final class SessionBatch {
  /**
   * What one text adds to a step: {@code tokens[from ... from + count - 1]}.
   *
   * @param session of this batch's model, once in a step
   */
  public record Part(Session session, int[] tokens, int from, int count) {}

  private final Model model;
  private final ModelConfig config;
  private final int most;
  private final Rows rows;
  private final int[] positions;
  private final float[] qkvRow;
  private final float[] headsRow;
  private final float[] hiddenRow;
  private final float[] deltaRow;
  private long attentionNanos;
  private long otherNanos;

  SessionBatch(Model model, int most) {
    if (most < 1) {
      throw new IllegalArgumentException("the batch is " + most + ", must be at least 1");
    }
    this.model = model;
    this.most = most;
    config = model.config();
    AttentionConfig sizes = config.attention();
    rows = new Rows(config, most);
    positions = new int[most];
    qkvRow = new float[sizes.projected()];
    headsRow = new float[sizes.queries()];
    hiddenRow = new float[config.hidden()];
    deltaRow = new float[config.hidden()];
  }

  /** Positions that a step takes at most. */
  public int most() {
    return most;
  }

  /** Forgets the rows of the last step. */
  void clear() {
    rows.count(0);
  }

  /**
   * One step: the rows of the parts, one part behind the other.
   *
   * @throws IllegalArgumentException if a token is outside the vocabulary, or the rows are beyond
   *     the batch or what is left of a text's context; no text has been changed then
   */
  public void append(List<Part> parts) {
    int count = check(parts);
    long begin = System.nanoTime();
    long elsewhere = rows.layerNanos() + attentionNanos;
    rows.count(count);
    Arrays.fill(deltaRow, 0);
    int m = 0;
    for (Part part : parts) {
      for (int i = 0; i < part.count(); i++) {
        model.embed(part.tokens()[part.from() + i], hiddenRow, 0);
        rows.residual.put((long) m * config.hidden(), hiddenRow);
        rows.delta.put((long) m * config.hidden(), deltaRow);
        positions[m++] = part.session().position() + i;
      }
    }
    for (int i = 0; i < config.layers(); i++) {
      Model.Block block = model.block(i);
      block.attention().project(rows);
      attend(parts, i);
      block.attention().output(rows);
      block.feedForward().apply(rows);
    }
    parts.forEach(part -> part.session().advance(part.count()));
    otherNanos += System.nanoTime() - begin - (rows.layerNanos() + attentionNanos - elsewhere);
  }

  /**
   * Where the time went since the batch was made; two looks at the clock a call, some 50 ns, are in
   * it.
   */
  public Session.Times times() {
    return new Session.Times(rows.layerNanos(), attentionNanos, otherNanos);
  }

  /** Rows that each expert has served, in all blocks together; empty of a model without experts. */
  public long[] expertRows() {
    return rows.expertRows();
  }

  /**
   * Passes the new positions of each text through attention, one after the other: each sees itself
   * and those before it.
   */
  private void attend(List<Part> parts, int block) {
    long begin = System.nanoTime();
    int m = 0;
    for (Part part : parts) {
      Attention layer = part.session().attention(block);
      for (int i = 0; i < part.count(); i++) {
        rows.qkv.get((long) m * qkvRow.length, qkvRow);
        layer.append(positions[m], qkvRow, headsRow);
        rows.heads.put((long) m * headsRow.length, headsRow);
        m++;
      }
    }
    attentionNanos += System.nanoTime() - begin;
  }

  /**
   * The logits after the {@code row}-th row of the last step: last norm, then the tied embedding.
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
    requireFinite(logits, positions[row]);
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

  /** The rows of all parts. */
  private int check(List<Part> parts) {
    long count = 0;
    for (Part part : parts) {
      if (part.session().model() != model) {
        throw new IllegalArgumentException("a session is of another model than its batch");
      }
      if (part.count() < 1) {
        throw new IllegalArgumentException("count is " + part.count() + ", must be 1 to " + most);
      }
      count += part.count();
    }
    if (count < 1 || count > most) {
      throw new IllegalArgumentException("count is " + count + ", must be 1 to " + most);
    }
    if (parts.stream().map(Part::session).distinct().count() < parts.size()) {
      throw new IllegalArgumentException("a session is in a step twice");
    }
    parts.forEach(this::checkTokens);
    return (int) count;
  }

  private void checkTokens(Part part) {
    int position = part.session().position();
    if (part.count() > config.context() - position) {
      throw new IllegalArgumentException(
          "the text would be "
              + (position + part.count())
              + " tokens long, the model's context is "
              + config.context());
    }
    for (int i = part.from(); i < part.from() + part.count(); i++) {
      int token = part.tokens()[i];
      if (token < 0 || token >= config.vocabulary()) {
        throw new IllegalArgumentException(
            "token "
                + token
                + " at place "
                + i
                + " is outside the vocabulary of "
                + config.vocabulary());
      }
    }
  }
}
