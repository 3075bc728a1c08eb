package org.ternarykernels.example;

import java.util.Arrays;
import org.ternarykernels.ExpertWeights;
import org.ternarykernels.TernaryWeights;
import org.ternarykernels.io.MangroveCheckpoint;

/**
 * What two implementations of a router and its experts may differ by, that round fp32 and nothing
 * else. Each is derived step by step in double, from an X that is off by {@code (H + 10) u} of
 * itself, as its norm has it.
 */
final class ExpertsBound {
  private static final double U = 0x1p-24;

  /** {@code |silu'|} is 1.1 at most. */
  private static final double SLOPE = 1.1;

  /** The dense matrix of an expert: {@code w * alpha}. */
  private final double[][] gateUp;

  private final double[][] down;
  private final float[] router;
  private final int h;
  private final int width;

  ExpertsBound(MangroveCheckpoint checkpoint, ModelConfig config, String mlp) {
    FeedForwardConfig.Experts sizes = (FeedForwardConfig.Experts) config.feedForward();
    h = config.hidden();
    width = sizes.width();
    router = checkpoint.floats(mlp + "gate.weight");
    gateUp = new double[sizes.count()][];
    down = new double[sizes.count()][];
    try (ExpertWeights w13 = checkpoint.experts(mlp + "gate_up", gateUp.length, 2L * width, h);
        ExpertWeights w2 = checkpoint.experts(mlp + "down", down.length, h, width)) {
      for (int e = 0; e < gateUp.length; e++) {
        gateUp[e] = dense(w13, e);
        down[e] = dense(w2, e);
      }
    }
  }

  private static double[] dense(ExpertWeights experts, int e) {
    try (TernaryWeights weights = experts.expert(e)) {
      byte[] w = weights.unpack();
      float[] alpha = weights.alpha().values();
      double[] dense = new double[w.length];
      for (int i = 0; i < w.length; i++) {
        dense[i] = (double) w[i] * alpha[i % alpha.length];
      }
      return dense;
    }
  }

  /** The largest {@code sum |x * w|} of a row's logits. */
  double logitSize(float[] x, int row) {
    double largest = 0;
    for (int e = 0; e < gateUp.length; e++) {
      double size = 0;
      for (int k = 0; k < h; k++) {
        size += Math.abs((double) x[row * h + k] * router[e * h + k]);
      }
      largest = Math.max(largest, size);
    }
    return largest;
  }

  /**
   * What a logit may be off by: our sum has 32 partials and a tree, the reference's is in any
   * order, and X is off.
   */
  double logit(float[] x, int row) {
    return (h / 32 + 6 + h + h + 10) * U * logitSize(x, row);
  }

  /**
   * The margin from which a decision is sure, of the last probability that is chosen and the first
   * that is not: each is off by a share of itself.
   *
   * @param logits of the reference
   * @param k experts that are chosen
   */
  static double margin(float[] logits, int k, double logit) {
    double sum = 0;
    double[] p = new double[logits.length];
    for (int e = 0; e < p.length; e++) {
      p[e] = Math.exp(logits[e]);
      sum += p[e];
    }
    Arrays.sort(p);
    return share(logit) * (p[p.length - k] + p[p.length - k - 1]) / sum;
  }

  /** The share that a renormalised weight is off by: as a probability and as their sum. */
  static double weight(double logit) {
    return 2 * share(logit) + 20 * U;
  }

  /** A probability's exponential and the softmax's sum are off by the logits' error each. */
  private static double share(double logit) {
    return 2 * logit + 40 * U;
  }

  /** What the columns of a row's output may be off by. */
  double[] output(float[] x, int row, int[] ids, float[] weights, double logit) {
    double[] bound = new double[h];
    for (int t = 0; t < ids.length; t++) {
      double[] gated = new double[width];
      double[] gatedError = new double[width];
      gate(x, row, gateUp[ids[t]], gated, gatedError);
      for (int n = 0; n < h; n++) {
        double sum = 0;
        double size = 0;
        double error = 0;
        for (int k = 0; k < width; k++) {
          double w = down[ids[t]][n * width + k];
          sum += gated[k] * w;
          size += Math.abs(gated[k] * w);
          error += gatedError[k] * Math.abs(w);
        }
        error += product(width) * size;
        bound[n] += weights[t] * (error + (weight(logit) + 8 * U) * (Math.abs(sum) + error));
      }
    }
    return bound;
  }

  private void gate(float[] x, int row, double[] matrix, double[] gated, double[] error) {
    for (int i = 0; i < width; i++) {
      double g = 0;
      double u = 0;
      double gSize = 0;
      double uSize = 0;
      for (int k = 0; k < h; k++) {
        double ofGate = x[row * h + k] * matrix[i * h + k];
        double ofUp = x[row * h + k] * matrix[(width + i) * h + k];
        g += ofGate;
        u += ofUp;
        gSize += Math.abs(ofGate);
        uSize += Math.abs(ofUp);
      }
      double share = product(h) + (h + 10) * U;
      double silu = g / (1 + Math.exp(-g));
      double siluError = SLOPE * share * gSize + 16 * U * Math.abs(silu);
      gated[i] = silu * u;
      error[i] =
          Math.abs(silu) * share * uSize
              + (Math.abs(u) + share * uSize) * siluError
              + 2 * U * Math.abs(gated[i]);
    }
  }

  /** What two products may differ by: {@code (K + 8) 2^-23} a side, as A16's contract has it. */
  private static double product(int k) {
    return 2 * (k + 8) * 0x1p-23;
  }
}
