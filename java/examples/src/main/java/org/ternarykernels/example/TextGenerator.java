package org.ternarykernels.example;

import java.util.function.IntConsumer;

/** Continues a prompt token by token. */
public final class TextGenerator {
  private final Session session;
  private final float[] logits;

  public TextGenerator(Model model, int batch) {
    session = model.session(batch);
    logits = new float[model.config().vocabulary()];
  }

  /** Where the time went since the generator was made. */
  public Session.Times times() {
    return session.times();
  }

  /**
   * Reads the prompt in batches, then writes {@code count} tokens, each decoded alone (M = 1).
   *
   * @param sink receives each token as soon as it is known
   * @throws IllegalArgumentException if the prompt is empty, or prompt and continuation exceed the
   *     model's context
   */
  public void generate(int[] prompt, int count, Sampler sampler, IntConsumer sink) {
    if (prompt.length == 0) {
      throw new IllegalArgumentException("the prompt is empty; the model needs at least one token");
    }
    session.clear();
    int rows = 0;
    for (int from = 0; from < prompt.length; from += rows) {
      rows = Math.min(session.batch(), prompt.length - from);
      session.append(prompt, from, rows);
    }
    int[] token = new int[1];
    for (int i = 0; i < count; i++) {
      session.logits(rows - 1, logits);
      token[0] = sampler.next(logits);
      sink.accept(token[0]);
      if (i + 1 < count) {
        session.append(token, 0, 1);
        rows = 1;
      }
    }
  }
}
