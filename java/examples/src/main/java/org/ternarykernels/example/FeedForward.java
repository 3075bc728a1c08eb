package org.ternarykernels.example;

/** The second half of a block. */
interface FeedForward {
  /** Adds {@code delta} to the residual stream, and makes a new one of the stream. */
  void apply(Rows rows);
}
