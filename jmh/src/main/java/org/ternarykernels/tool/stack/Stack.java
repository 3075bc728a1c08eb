package org.ternarykernels.tool.stack;

import java.util.List;

/**
 * The ternary layers of a model, through which the rows of several users' texts go together. A step
 * takes rows of some texts: one row of a text that is being written, more of a prompt that is being
 * read.
 *
 * <p>Not thread-safe: a server has one thread that makes steps.
 */
public interface Stack extends AutoCloseable {
  /** One user's text. */
  interface Sequence extends AutoCloseable {
    @Override
    void close();
  }

  /**
   * Rows of a text in a step.
   *
   * @param rows of the prompt as long as there are some, then 1
   */
  record Part(Sequence sequence, int rows) {}

  /** What it is called in results: a shape file or a model's folder, by its name. */
  String name();

  /** Numbers of the model. */
  StackSizes sizes();

  /** Rows that a step may have. */
  int mostRows();

  /** Bytes of all ternary weights, with their scales. */
  long weightBytes();

  /**
   * Begins a text.
   *
   * @param promptTokens that its first steps take
   * @param newTokens that are written behind them
   * @param seed of the prompt
   * @throws IllegalArgumentException if the text is longer than the model's context
   */
  Sequence begin(int promptTokens, int newTokens, long seed);

  /**
   * Takes the rows of the parts through all layers, and waits for the results.
   *
   * @param parts different texts, together at most {@link #mostRows()} rows
   */
  void step(List<Part> parts);

  /** Rows that each expert has served so far, of all layers together; empty without experts. */
  long[] expertRows();

  @Override
  void close();
}
