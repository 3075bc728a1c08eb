package org.ternarykernels.tool.parity;

/** What writes texts. */
interface Backend {
  /** One text: tokens so far, and what may come next. */
  interface Text {
    /** The logits of the next token; the same array each time. */
    float[] logits();

    /** Goes on with a token. */
    void append(int token);
  }

  /** What it is, as the user named it. */
  String name();

  /** Begins a text by its prompt. */
  Text begin(int[] prompt);
}
