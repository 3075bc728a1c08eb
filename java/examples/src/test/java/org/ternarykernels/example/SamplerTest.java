package org.ternarykernels.example;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class SamplerTest {
  private static final float[] LOGITS = {0, 2, 1, 2};

  @Test
  void greedyTakesTheFirstOfTheLikeliest() {
    assertThat(new Sampler(0, 1).next(LOGITS)).isEqualTo(1);
  }

  @Test
  void drawsFollowTheSoftmaxAndTheSeed() {
    int draws = 100_000;
    int[] counts = new int[LOGITS.length];
    Sampler sampler = new Sampler(0.5f, 9);
    Sampler same = new Sampler(0.5f, 9);
    for (int i = 0; i < draws; i++) {
      int token = sampler.next(LOGITS);
      assertThat(same.next(LOGITS)).isEqualTo(token);
      counts[token]++;
    }
    double sum = 0;
    for (float logit : LOGITS) {
      sum += Math.exp(logit / 0.5);
    }
    for (int i = 0; i < counts.length; i++) {
      double p = Math.exp(LOGITS[i] / 0.5) / sum;
      // five standard deviations of a binomial
      assertThat((double) counts[i])
          .isBetween(
              draws * p - 5 * Math.sqrt(draws * p * (1 - p)),
              draws * p + 5 * Math.sqrt(draws * p * (1 - p)));
    }
  }

  @Test
  void aTemperatureThatMeansNothingIsRefused() {
    for (float temperature : new float[] {-1, Float.NaN, Float.POSITIVE_INFINITY}) {
      assertThatThrownBy(() -> new Sampler(temperature, 1))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("temperature is " + temperature);
    }
  }
}
