package org.ternarykernels.example;

import java.util.Arrays;

/**
 * Rotary position embedding, half-rotation: features {@code d} and {@code d + dim/2} of a head turn
 * by the angle {@code position * theta^(-2d/dim)}.
 */
final class RotaryEmbedding {
  private final int half;
  private final float[] frequencies;

  /** Both {@code [position][feature]}, and as long as the longest text so far asked for. */
  private float[] cos = new float[0];

  private float[] sin = new float[0];

  RotaryEmbedding(int headDim, float theta) {
    half = headDim / 2;
    frequencies = new float[half];
    for (int d = 0; d < half; d++) {
      // Frequency and angle are rounded to fp32 as in the reference; at position 511 that is
      // visible in the cosine.
      frequencies[d] = (float) StrictMath.pow(theta, -2.0 * d / headDim);
    }
  }

  /** Computes the angles of the first {@code positions} positions, unless they are there. */
  void reserve(int positions) {
    int from = cos.length / half;
    if (positions <= from) {
      return;
    }
    cos = Arrays.copyOf(cos, Math.multiplyExact(positions, half));
    sin = Arrays.copyOf(sin, cos.length);
    for (int p = from; p < positions; p++) {
      for (int d = 0; d < half; d++) {
        float angle = p * frequencies[d];
        cos[p * half + d] = (float) StrictMath.cos(angle);
        sin[p * half + d] = (float) StrictMath.sin(angle);
      }
    }
  }

  /**
   * Turns the head at {@code x[offset ... offset + dim - 1]} in place.
   *
   * @param position below what was reserved
   */
  void rotate(float[] x, int offset, int position) {
    int angle = position * half;
    for (int d = 0; d < half; d++) {
      float a = x[offset + d];
      float b = x[offset + half + d];
      x[offset + d] = a * cos[angle + d] - b * sin[angle + d];
      x[offset + half + d] = b * cos[angle + d] + a * sin[angle + d];
    }
  }
}
