package org.ternarykernels.tool.load;

import org.ternarykernels.tool.stack.Stack;

/** A text on its way: when it was meant to arrive, and how far it is. */
final class Request {
  final long arrival;
  final int promptTokens;
  final long seed;
  Stack.Sequence sequence;
  int promptLeft;
  int written;
  long lastToken;

  /**
   * @param arrival the moment that latencies count from, also where nobody looked then
   */
  Request(long arrival, int promptTokens, long seed) {
    this.arrival = arrival;
    this.promptTokens = promptTokens;
    this.promptLeft = promptTokens;
    this.seed = seed;
  }

  boolean isReading() {
    return promptLeft > 0;
  }

  void close() {
    if (sequence != null) {
      sequence.close();
    }
  }
}
