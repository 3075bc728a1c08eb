package org.ternarykernels.example;

import java.util.function.IntConsumer;

/** Bits per byte: how well a model predicts a text of bytes. */
public final class Perplexity {
  private Perplexity() {}

  /**
   * Mean of {@code -log2 p(next byte)}. The text is cut into windows at offsets 0, window, 2 *
   * window ...; each starts from an empty context and predicts the {@code window} bytes after its
   * first one (the last window what is left).
   *
   * @param tokens the text, at least 2 tokens
   * @param window predictions a window, at most the model's context
   * @param batch positions a call; changes nothing but time
   * @param progress receives the number of predictions made so far
   */
  public static double bitsPerByte(
      Model model, int[] tokens, int window, int batch, IntConsumer progress) {
    if (tokens.length < 2) {
      throw new IllegalArgumentException(
          "the text has " + tokens.length + " bytes, must have at least 2");
    }
    if (window < 1 || window > model.config().context()) {
      throw new IllegalArgumentException(
          "window is "
              + window
              + ", must be 1 to "
              + model.config().context()
              + ", the model's context");
    }
    Session session = model.session(batch);
    float[] logits = new float[model.config().vocabulary()];
    double bits = 0;
    int predictions = tokens.length - 1;
    int count;
    for (int from = 0; from < predictions; from += count) {
      if (from % window == 0) {
        session.clear();
      }
      count = Math.min(session.batch(), Math.min(window - from % window, predictions - from));
      session.append(tokens, from, count);
      for (int row = 0; row < count; row++) {
        session.logits(row, logits);
        bits += surprise(logits, tokens[from + row + 1]);
      }
      progress.accept(from + count);
    }
    return bits / predictions;
  }

  /** {@code -log2 softmax(logits)[token]}. */
  private static double surprise(float[] logits, int token) {
    double max = Double.NEGATIVE_INFINITY;
    for (float logit : logits) {
      max = Math.max(max, logit);
    }
    double sum = 0;
    for (float logit : logits) {
      sum += StrictMath.exp(logit - max);
    }
    return (StrictMath.log(sum) + max - logits[token]) / StrictMath.log(2);
  }
}
