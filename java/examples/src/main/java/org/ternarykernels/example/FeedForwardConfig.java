package org.ternarykernels.example;

/** A gated feed-forward layer: of all features, or of experts that a router chooses. */
public sealed interface FeedForwardConfig {
  /** Features between its products that a token passes through. */
  double activeWidth();

  /**
   * One layer for all tokens, gated by the squared ReLU.
   *
   * @param width features between its products
   */
  record Dense(int width) implements FeedForwardConfig {
    @Override
    public double activeWidth() {
      return width;
    }
  }

  /**
   * Experts gated by SiLU, chosen by a softmax of all of them.
   *
   * @param count experts
   * @param perToken experts of a token
   * @param width features between an expert's products
   * @param renormalise whether the weights of the chosen ones sum to 1
   */
  record Experts(int count, int perToken, int width, boolean renormalise)
      implements FeedForwardConfig {
    @Override
    public double activeWidth() {
      return (double) perToken * width;
    }
  }
}
