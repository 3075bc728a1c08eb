package org.ternarykernels.tool.verify;

/**
 * An error of each run of columns of X, times the weights that meet it: {@code sum over the runs of
 * factor * errors[row, run] * weights[feature, run]}.
 *
 * @param errors {@code [M, runs]}
 * @param weights {@code [N, runs]}
 */
record RunSums(double[] errors, double[] weights, int runs, double factor) {
  static final RunSums NONE = new RunSums(new double[0], new double[0], 0);

  RunSums(double[] errors, double[] weights, int runs) {
    this(errors, weights, runs, 1);
  }

  RunSums times(double more) {
    return new RunSums(errors, weights, runs, factor * more);
  }

  double at(int row, int feature) {
    double sum = 0;
    for (int run = 0; run < runs; run++) {
      sum += errors[row * runs + run] * weights[feature * runs + run];
    }
    return factor * sum;
  }
}
