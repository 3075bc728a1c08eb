package org.ternarykernels.tool.problem;

import java.util.Arrays;
import java.util.SplittableRandom;

/** Which experts rows choose, as rows of a benchmark do. */
public enum ExpertChoice {
  /** Every expert alike. */
  UNIFORM,
  /** Zipf's law of exponent 1: the r-th expert in proportion to 1 / r. */
  ZIPF,
  /** All rows one expert, and no other: the other slots are -1. */
  ONE;

  /**
   * The experts of each row, different ones, of the same seed the same.
   *
   * @return {@code [M, slots]}; those that some row chose are {@code 0 ... active - 1}
   */
  public int[] ids(long seed, int m, MoeShape shape) {
    SplittableRandom random = new SplittableRandom(seed);
    int[] ids = new int[m * shape.slots()];
    int[] label = new int[shape.experts()];
    Arrays.fill(label, -1);
    int active = 0;
    for (int row = 0; row < m; row++) {
      double[] share = shares(shape.experts());
      for (int t = 0; t < shape.slots(); t++) {
        if (this == ONE) {
          ids[row * shape.slots() + t] = t == 0 ? 0 : -1;
          continue;
        }
        int expert = draw(random, share);
        share[expert] = 0; // a row chooses an expert once
        if (label[expert] < 0) {
          label[expert] = active++;
        }
        ids[row * shape.slots() + t] = label[expert];
      }
    }
    return ids;
  }

  private double[] shares(int experts) {
    double[] share = new double[experts];
    for (int e = 0; e < experts; e++) {
      share[e] = this == ZIPF ? 1.0 / (e + 1) : 1;
    }
    return share;
  }

  private static int draw(SplittableRandom random, double[] share) {
    double at = random.nextDouble() * Arrays.stream(share).sum();
    int last = 0;
    for (int e = 0; e < share.length; e++) {
      if (share[e] > 0) {
        last = e;
        at -= share[e];
        if (at < 0) {
          break;
        }
      }
    }
    return last;
  }
}
