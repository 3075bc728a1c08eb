package org.ternarykernels.example;

import java.util.Random;

/**
 * Chooses the next token: the likeliest, or one drawn from {@code softmax(logits / temperature)}.
 */
public final class Sampler {
  private final float temperature;
  private final Random random;

  /**
   * @param temperature 0 for greedy; ties go to the lower token
   * @param seed of the draws; the same seed gives the same text on every machine
   */
  public Sampler(float temperature, long seed) {
    if (!(temperature >= 0 && temperature < Float.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException(
          "temperature is " + temperature + ", must be finite and at least 0");
    }
    this.temperature = temperature;
    this.random = new Random(seed);
  }

  public int next(float[] logits) {
    int best = 0;
    for (int i = 1; i < logits.length; i++) {
      if (logits[i] > logits[best]) {
        best = i;
      }
    }
    return temperature == 0 ? best : draw(logits, logits[best]);
  }

  private int draw(float[] logits, float max) {
    double[] cumulative = new double[logits.length];
    double sum = 0;
    for (int i = 0; i < logits.length; i++) {
      sum += StrictMath.exp(((double) logits[i] - max) / temperature);
      cumulative[i] = sum;
    }
    double threshold = random.nextDouble() * sum;
    int token = 0;
    while (token < logits.length - 1 && cumulative[token] <= threshold) {
      token++;
    }
    return token;
  }
}
