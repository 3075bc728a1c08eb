package org.ternarykernels.example;

/**
 * Rotary position embedding, half-rotation: features {@code d} and {@code d + dim/2} of a head turn
 * by the angle {@code position * theta^(-2d/dim)}.
 */
final class RotaryEmbedding {
  private final int half;
  private final float[] cos;
  private final float[] sin;

  RotaryEmbedding(int headDim, int positions, float theta) {
    half = headDim / 2;
    cos = new float[positions * half];
    sin = new float[positions * half];
    for (int d = 0; d < half; d++) {
      // Frequency and angle are rounded to fp32 as in the reference; at position 511 that is
      // visible in the cosine.
      float frequency = (float) StrictMath.pow(theta, -2.0 * d / headDim);
      for (int p = 0; p < positions; p++) {
        float angle = p * frequency;
        cos[p * half + d] = (float) StrictMath.cos(angle);
        sin[p * half + d] = (float) StrictMath.sin(angle);
      }
    }
  }

  /** Turns the head at {@code x[offset ... offset + dim - 1]} in place. */
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
