package org.ternarykernels.tool.problem;

import java.nio.charset.StandardCharsets;

/** Text as tokens of a byte-level model: one a byte, so there is no tokenizer. */
public final class ByteTokens {
  private ByteTokens() {}

  public static int[] of(String text) {
    return of(text.getBytes(StandardCharsets.UTF_8));
  }

  public static int[] of(byte[] text) {
    int[] tokens = new int[text.length];
    for (int i = 0; i < tokens.length; i++) {
      tokens[i] = text[i] & 0xff;
    }
    return tokens;
  }
}
