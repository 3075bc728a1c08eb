package org.ternarykernels.example;

/** RMSNorm in Java, where no product follows that could have it fused. */
record RmsNorm(float[] weight, float eps) {
  /** Normalises in place, the squares summed in double and ascending. */
  void apply(float[] x) {
    double squares = 0;
    for (float value : x) {
      squares += (double) value * value;
    }
    float scale = (float) (1 / Math.sqrt(squares / x.length + eps));
    for (int i = 0; i < x.length; i++) {
      x[i] = x[i] * scale * weight[i];
    }
  }
}
