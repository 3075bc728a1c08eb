package org.ternarykernels;

import java.util.Arrays;

/**
 * A layer of experts written a second time: each expert is two {@link TernaryLinear}s, and the
 * steps between them are Java's. Of the function RELU2, which needs no exponential.
 */
final class MoeOfLayers {
  private final MoeProblem problem;
  private final TernaryRuntime runtime;

  MoeOfLayers(MoeProblem problem, TernaryRuntime runtime) {
    this.problem = problem;
    this.runtime = runtime;
  }

  private static float rounded(DataType type, float value) {
    try (TernaryBuffer one = TernaryBuffer.copyOf(type, value)) {
      return one.get(0);
    }
  }

  private float[] product(ExpertWeights weights, int e, Rotation rotation, float[] x) {
    try (TernaryWeights own = weights.expert(e);
        TernaryLinear layer =
            TernaryLinear.builder(runtime, own)
                .activation(problem.spec.activation)
                .rotation(rotation)
                .build()) {
      return layer.apply(x, 1);
    }
  }

  /** The output of a slot's expert, which has met the slot's weight if that comes before it. */
  private float[] expert(float[] x, int e, float weight) {
    MoeLayer.Builder spec = problem.spec;
    float[] input = x.clone();
    for (int k = 0; k < input.length && spec.weightOnInput; k++) {
      input[k] *= weight;
    }
    float[] both = product(spec.w13, e, spec.rotation13, input);
    float[] h = new float[problem.i];
    for (int i = 0; i < h.length; i++) {
      int gate =
          switch (spec.gateOrder) {
            case GATE_UP -> i;
            case UP_GATE -> i + h.length;
            case INTERLEAVED -> 2 * i;
          };
      int up = spec.gateOrder == GateOrder.INTERLEAVED ? gate + 1 : (gate + h.length) % both.length;
      float g = rounded(spec.roundGateUp, both[gate]);
      float r = g < 0 ? 0 : g;
      float f = rounded(spec.roundActivation, r * r);
      h[i] = rounded(spec.roundProduct, f * rounded(spec.roundGateUp, both[up]));
    }
    float[] d = product(spec.w2, e, spec.rotation2, h);
    for (int n = 0; n < d.length; n++) {
      d[n] = rounded(spec.roundExpert, spec.weightBeforeRounding ? weight * d[n] : d[n]);
    }
    return d;
  }

  /** Y of a row, and beyond it the residual with Y added. */
  float[] row(int m) {
    MoeLayer.Builder spec = problem.spec;
    float[] x = problem.row(m);
    int[] ids = problem.ids(m);
    float[] weights = problem.weights(m);
    float[] sum = new float[problem.h];
    float[] apart = new float[ids.length * problem.h];
    for (int t = 0; t < ids.length; t++) {
      if (ids[t] < 0) {
        continue;
      }
      float[] d = expert(x, ids[t], weights[t]);
      System.arraycopy(d, 0, apart, t * d.length, d.length);
      for (int n = 0; n < d.length; n++) {
        boolean used = spec.weightOnInput || spec.weightBeforeRounding;
        float weighted = used ? d[n] : weights[t] * d[n];
        sum[n] = sum[n] + weighted;
      }
    }
    float[] y = problem.combines ? sum : apart;
    float[] residual = problem.residual(m);
    float[] all = Arrays.copyOf(y, y.length + residual.length);
    for (int n = 0; n < y.length; n++) {
      all[n] = rounded(problem.yType, problem.combines ? y[n] * spec.scaling : y[n]);
    }
    for (int n = 0; n < residual.length; n++) {
      all[y.length + n] = rounded(problem.residualType(), residual[n] + all[n]);
    }
    return all;
  }
}
