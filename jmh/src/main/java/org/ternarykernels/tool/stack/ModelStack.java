package org.ternarykernels.tool.stack;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.ternarykernels.example.FeedForwardConfig;
import org.ternarykernels.example.Model;
import org.ternarykernels.example.ModelConfig;
import org.ternarykernels.example.Sampler;
import org.ternarykernels.example.Session;
import org.ternarykernels.example.SessionBatch;

/** A real model: texts have their KV caches, and each new token is the likeliest one. */
final class ModelStack implements Stack {
  private static final int WEIGHTS_A_BYTE = 4;

  private final String name;
  private final Model model;
  private final StackSizes sizes;
  private final SessionBatch batch;
  private final float[] logits;

  /**
   * @param model is closed with the stack
   */
  ModelStack(String name, Model model, int mostRows) {
    this.name = name;
    this.model = model;
    sizes = StackSizes.of(model.config());
    batch = model.batch(mostRows);
    logits = new float[model.config().vocabulary()];
  }

  /** A text with its tokens. */
  private static final class Text implements Sequence {
    final Session session;
    final int[] tokens;
    final int promptTokens;
    final Sampler likeliest = new Sampler(0, 1);

    Text(Session session, int[] tokens, int promptTokens) {
      this.session = session;
      this.tokens = tokens;
      this.promptTokens = promptTokens;
    }

    @Override
    public void close() {
      // its cache is the garbage collector's
    }
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public StackSizes sizes() {
    return sizes;
  }

  @Override
  public int mostRows() {
    return batch.most();
  }

  @Override
  public long weightBytes() {
    ModelConfig config = model.config();
    double width =
        config.feedForward() instanceof FeedForwardConfig.Experts some
            ? (double) some.count() * some.width()
            : config.feedForward().activeWidth();
    double columns =
        2.0 * config.attention().queries() + 2.0 * config.attention().keys() + 3 * width;
    return (long) (config.layers() * columns * config.hidden() / WEIGHTS_A_BYTE);
  }

  /** The prompt is random printable text. */
  @Override
  public Sequence begin(int promptTokens, int newTokens, long seed) {
    int context = model.config().context();
    if ((long) promptTokens + newTokens > context) {
      throw new IllegalArgumentException(
          "the text would be "
              + ((long) promptTokens + newTokens)
              + " tokens long, the context of "
              + name
              + " is "
              + context);
    }
    int[] tokens = new int[promptTokens + newTokens];
    int most = Math.min(127, model.config().vocabulary());
    SplittableRandom random = new SplittableRandom(seed);
    for (int i = 0; i < promptTokens; i++) {
      tokens[i] = random.nextInt(' ', most);
    }
    return new Text(model.session(1), tokens, promptTokens);
  }

  @Override
  public void step(List<Part> parts) {
    List<SessionBatch.Part> rows = new ArrayList<>();
    for (Part part : parts) {
      Text text = (Text) part.sequence();
      rows.add(
          new SessionBatch.Part(text.session, text.tokens, text.session.position(), part.rows()));
    }
    batch.append(rows);
    int row = -1;
    for (Part part : parts) {
      row += part.rows();
      Text text = (Text) part.sequence();
      int next = text.session.position();
      if (next >= text.promptTokens && next < text.tokens.length) {
        batch.logits(row, logits);
        text.tokens[next] = text.likeliest.next(logits);
      }
    }
  }

  /** A text's tokens: prompt, and what was written. */
  static int[] tokens(Sequence sequence) {
    return ((Text) sequence).tokens.clone();
  }

  @Override
  public long[] expertRows() {
    return batch.expertRows();
  }

  @Override
  public void close() {
    model.close();
  }
}
