package org.ternarykernels.tool.cli;

import java.nio.charset.StandardCharsets;

/** Text as tokens of a byte-level model: one a byte, so there is no tokenizer. */
final class ByteTokens {
  private ByteTokens() {}

  static int[] of(String text) {
    return of(text.getBytes(StandardCharsets.UTF_8));
  }

  static int[] of(byte[] text) {
    int[] tokens = new int[text.length];
    for (int i = 0; i < tokens.length; i++) {
      tokens[i] = text[i] & 0xff;
    }
    return tokens;
  }
}
