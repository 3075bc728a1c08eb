package org.ternarykernels;

import java.util.Arrays;
import java.util.Random;

/** Makes broken inputs of good ones. */
public final class Mutation {
  private static final byte[] INTERESTING = {
    0, 1, -1, 127, -128, '"', '{', '}', '[', ']', ',', ':', '9', '-', 'e', ' '
  };

  private Mutation() {}

  /** A copy with one to four random changes: bits, bytes, runs, cuts and repeats. */
  public static byte[] of(Random random, byte[] input) {
    byte[] bytes = input.clone();
    for (int changes = 1 + random.nextInt(4); changes > 0 && bytes.length > 0; changes--) {
      int at = random.nextInt(bytes.length);
      switch (random.nextInt(6)) {
        case 0 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
        case 1 -> bytes[at] = (byte) random.nextInt(256);
        case 2 -> bytes[at] = INTERESTING[random.nextInt(INTERESTING.length)];
        case 3 ->
            Arrays.fill(
                bytes,
                at,
                Math.min(bytes.length, at + 1 + random.nextInt(8)),
                INTERESTING[random.nextInt(INTERESTING.length)]);
        case 4 ->
            bytes =
                Arrays.copyOf(
                    bytes, random.nextInt(4) == 0 ? at : bytes.length + random.nextInt(8));
        default -> {
          int to = random.nextInt(bytes.length);
          int count = Math.min(1 + random.nextInt(32), bytes.length - Math.max(at, to));
          System.arraycopy(bytes, at, bytes, to, count);
        }
      }
    }
    return bytes;
  }
}
