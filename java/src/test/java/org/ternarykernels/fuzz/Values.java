package org.ternarykernels.fuzz;

import java.util.Random;

/** Numbers and texts that break things, mixed with some that do not. */
final class Values {
  static final int LONGEST_TEXT = 5000;

  private static final long[] SIZES = {16, 32, 64, 20, 31, 33, 15, 17, 96, 128};
  private static final long[] EDGES = {0, -1, 1, 2, 255, 256, 257};
  private static final long[] EXTREMES = {
    Long.MIN_VALUE,
    Long.MAX_VALUE,
    Integer.MAX_VALUE,
    Integer.MAX_VALUE + 1L,
    1L << 24,
    (1L << 24) - 1,
    1L << 32,
    1L << 62,
    (1L << 63) - 32,
    -(1L << 31),
    1L << 61
  };
  private static final float[] REALS = {
    0f,
    -0f,
    Float.NaN,
    Float.POSITIVE_INFINITY,
    Float.NEGATIVE_INFINITY,
    Float.MIN_VALUE,
    Float.MAX_VALUE,
    -Float.MAX_VALUE,
    Float.MIN_NORMAL,
    1e-5f,
    65504f,
    65520f
  };
  private static final int[] LENGTHS = {
    0, 1, 2, 3, 4, 5, 8, 15, 16, 17, 31, 32, 33, 64, 80, 128, 256, 1024, 4096
  };
  private static final String[] DEVICES = {
    "cpu",
    "auto",
    "cuda",
    "cuda:0",
    "cuda:63",
    "cuda:64",
    "cuda:-1",
    "cuda:0x1",
    "CPU",
    " cpu",
    "cpu\n",
    "cpu\0x"
  };
  private static final String[] NAMES = {
    "H100",
    "RTX 5090",
    "h100",
    "a",
    "b",
    "q",
    "a.weight",
    "a.weight_scale",
    "b.bias",
    "x",
    "nope",
    "hidden_size",
    "quantization_config.quant_method",
    "nested.deep",
    "avx2",
    "portable",
    "AMX",
    "a8",
    "A16",
    "a8:64",
    "a8:33"
  };

  private final Random random;

  Values(Random random) {
    this.random = random;
  }

  /** Values for what must not change those that follow here, however many it takes. */
  Values others() {
    return new Values(new Random(random.nextLong()));
  }

  boolean chance(double probability) {
    return random.nextDouble() < probability;
  }

  int below(int bound) {
    return random.nextInt(bound);
  }

  @SafeVarargs
  final <T> T oneOf(T... values) {
    return values[random.nextInt(values.length)];
  }

  long size() {
    return switch (below(8)) {
      case 0, 1, 2 -> 1 + below(8);
      case 3, 4 -> SIZES[below(SIZES.length)];
      case 5 -> EDGES[below(EDGES.length)];
      case 6 -> EXTREMES[below(EXTREMES.length)];
      default -> random.nextLong() >> below(64);
    };
  }

  /** Memory that is small, or that no machine has: what is between would be had, and hurt. */
  long memory() {
    return chance(0.9) ? below(5000) : oneOf(0L, -1L, Long.MIN_VALUE, Long.MAX_VALUE, 1L << 45);
  }

  int length() {
    return LENGTHS[below(LENGTHS.length)];
  }

  float real() {
    return switch (below(6)) {
      case 0 -> REALS[below(REALS.length)];
      case 1 -> Float.intBitsToFloat(random.nextInt());
      default -> (float) random.nextGaussian();
    };
  }

  float[] reals(int count) {
    boolean hostile = chance(0.2);
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = hostile ? real() : (float) random.nextGaussian();
    }
    return values;
  }

  /** Weights, codes, zeros or anything. */
  byte[] bytes(int count) {
    byte[] values = new byte[count];
    int kind = below(4);
    for (int i = 0; i < count && kind < 3; i++) {
      values[i] =
          (byte)
              (kind == 0
                  ? random.nextInt()
                  : kind == 1 ? below(3) - 1 : oneOf(0, 0x55, 0x2a, 0x1a));
    }
    return values;
  }

  String text() {
    return switch (below(10)) {
      case 0 -> "";
      case 1 -> oneOf(DEVICES);
      case 2, 3 -> oneOf(NAMES);
      case 4 -> "\ud800";
      case 5 -> "x".repeat(below(LONGEST_TEXT));
      case 6 -> "%s%n%x%1$s" + (char) below(0x10000);
      default -> anyText();
    };
  }

  private String anyText() {
    StringBuilder text = new StringBuilder();
    for (int i = below(12); i > 0; i--) {
      text.append((char) below(chance(0.5) ? 128 : 0x10000));
    }
    return text.toString();
  }

  /** Changes one to four bytes, mostly near the beginning, where headers are. */
  void damage(byte[] file) {
    for (int i = 1 + below(4); i > 0 && file.length > 0; i--) {
      int at = below(chance(0.5) ? Math.min(file.length, 80) : file.length);
      file[at] = (byte) (chance(0.5) ? random.nextInt() : file[at] ^ 1 << below(8));
    }
  }
}
