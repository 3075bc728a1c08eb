package org.ternarykernels;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;

/** Inputs for tests, and the comparison of outputs bit by bit. */
final class Problems {
  private Problems() {}

  static byte[] ternary(Random random, int count) {
    byte[] w = new byte[count];
    for (int i = 0; i < count; i++) {
      w[i] = (byte) (random.nextInt(3) - 1);
    }
    return w;
  }

  static float[] floats(Random random, int count) {
    float[] x = new float[count];
    for (int i = 0; i < count; i++) {
      x[i] = (float) random.nextGaussian();
    }
    return x;
  }

  /**
   * A buffer of any type with Gaussian values, whole numbers where the type is I8 or I32 and any
   * bytes where it is fp8.
   */
  static TernaryBuffer activations(Random random, DataType type, int count) {
    if (type == DataType.F8_E4M3) {
      TernaryBuffer buffer = TernaryBuffer.allocate(type, count);
      for (int i = 0; i < count; i++) {
        int bits = random.nextInt(256);
        buffer.asByteBuffer().put(i, (byte) ((bits & 0x7f) == 0x7f ? 0 : bits)); // no NaN
      }
      return buffer;
    }
    TernaryBuffer buffer = TernaryBuffer.allocate(type, count);
    for (int i = 0; i < count; i++) {
      boolean whole = type == DataType.I8 || type == DataType.I32;
      buffer.put(i, whole ? random.nextInt(256) - 128 : (float) random.nextGaussian());
    }
    return buffer;
  }

  static TernaryBuffer filled(DataType type, int count, float value) {
    TernaryBuffer buffer = TernaryBuffer.allocate(type, count);
    for (int i = 0; i < count; i++) {
      buffer.put(i, value);
    }
    return buffer;
  }

  static void copy(TernaryBuffer from, TernaryBuffer to) {
    to.asByteBuffer().put(from.asByteBuffer());
  }

  /** Equal bits, NaNs as a class. */
  static void assertSameBits(TernaryBuffer actual, TernaryBuffer expected) {
    assertThat(actual.dataType()).isEqualTo(expected.dataType());
    assertThat(bits(actual)).isEqualTo(bits(expected));
  }

  static int[] bits(TernaryBuffer buffer) {
    float[] values = buffer.toArray();
    int[] bits = new int[values.length];
    for (int i = 0; i < bits.length; i++) {
      bits[i] = Float.floatToIntBits(values[i]); // one NaN for all
    }
    return bits;
  }
}
