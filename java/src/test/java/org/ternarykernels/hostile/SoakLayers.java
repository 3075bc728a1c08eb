package org.ternarykernels.hostile;

import java.util.Arrays;
import java.util.Random;
import org.ternarykernels.Activation;
import org.ternarykernels.Alpha;
import org.ternarykernels.AlphaKind;
import org.ternarykernels.DataType;
import org.ternarykernels.Layout;
import org.ternarykernels.Oracle;
import org.ternarykernels.RmsNormLinear;
import org.ternarykernels.TernaryBuffer;
import org.ternarykernels.TernaryLinear;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.TernaryWeights;

/** A matrix of odd size, inputs of one to three rows, and the oracle's outputs for them. */
final class SoakLayers implements AutoCloseable {
  static final int MOST_ROWS = 3;
  private static final int GROUP = 64;
  private static final float EPS = 1e-6f;

  final int n;
  final int k;
  final float[] bias;
  final TernaryWeights weights;
  final TernaryLinear linear;
  final RmsNormLinear normed;

  /** By number of rows. */
  final float[][] x = new float[MOST_ROWS + 1][];

  final float[][] y = new float[MOST_ROWS + 1][];
  final float[][] normedY = new float[MOST_ROWS + 1][];

  SoakLayers(TernaryRuntime runtime, Random random, AlphaKind kind, boolean dense) {
    n = 16 + random.nextInt(300);
    k = 32 + random.nextInt(700);
    byte[] w = new byte[n * k];
    for (int i = 0; i < w.length; i++) {
      w[i] = (byte) (random.nextInt(3) - 1);
    }
    TernaryWeights tiled = TernaryWeights.pack(w, n, k, alpha(random, kind));
    weights = dense ? tiled.repack(Layout.T5_TILED) : tiled;
    bias = gaussian(random, n);
    float[] norm = new float[k];
    Arrays.fill(norm, 1.25f);
    linear = TernaryLinear.builder(runtime, weights).bias(bias).build();
    normed = RmsNormLinear.builder(runtime, weights).norm(norm, EPS).build();
    for (int m = 1; m <= MOST_ROWS; m++) {
      x[m] = gaussian(random, m * k);
      TernaryBuffer input = TernaryBuffer.copyOf(DataType.F32, x[m]);
      TernaryBuffer output = TernaryBuffer.allocate(DataType.F32, (long) m * n);
      Oracle.linear(weights, Activation.A8, bias, input, k, null, output, n, m);
      y[m] = output.toArray();
      Oracle.rmsNormLinear(
          weights, Activation.A8, norm, EPS, null, input, k, null, null, null, 0, output, n, m);
      normedY[m] = output.toArray();
    }
  }

  private Alpha alpha(Random random, AlphaKind kind) {
    int count =
        switch (kind) {
          case TENSOR -> 1;
          case ROW -> n;
          case COLUMN -> k;
          case GROUP -> n * ((k + GROUP - 1) / GROUP);
        };
    float[] scales = new float[count];
    for (int i = 0; i < count; i++) {
      scales[i] = 0.1f + random.nextFloat();
    }
    return Alpha.of(kind, kind == AlphaKind.GROUP ? GROUP : 0, scales);
  }

  private static float[] gaussian(Random random, int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  @Override
  public void close() {
    linear.close();
    normed.close();
    weights.close();
  }
}
