package org.ternarykernels;

import java.util.Arrays;
import java.util.Random;

/** A random layer with activations by block, perhaps rotated, and its operands, of one seed. */
final class BlockProblem implements AutoCloseable {
  private static final int[] COLUMNS = {1, 31, 32, 33, 64, 96, 130, 256, 320, 513, 640, 2304, 4224};
  private static final float EPS = 1e-5f;

  final int m;
  final int n;
  final int k;
  final Activation activation;
  final Rotation rotation;
  final DataType xType;
  final DataType yType;
  final Layout layout;
  final TernaryBuffer x;
  final TernaryBuffer xScale;
  private final TernaryWeights weights;
  private final float[] bias;
  private final float[] norm;

  BlockProblem(long seed) {
    Random random = new Random(seed);
    k = COLUMNS[random.nextInt(COLUMNS.length)];
    m = new int[] {1, 2, 3, 9, 33}[random.nextInt(k > 2000 ? 3 : 5)];
    n = 1 + random.nextInt(70);
    AlphaKind kind = AlphaKind.values()[random.nextInt(4)];
    int block = 32 << random.nextInt(5);
    int group = kind == AlphaKind.GROUP ? 32 << random.nextInt(6) : 0;
    if (random.nextInt(4) == 0) { // one a multiple of the other, by no power of two
      block = group == 0 ? 96 : 3 * group;
    }
    activation = Activation.a8(block);
    boolean normed = random.nextInt(3) == 0;
    rotation = random.nextBoolean() ? rotation(random, k) : null;
    boolean int8 =
        !normed && rotation == null && kind != AlphaKind.COLUMN && random.nextInt(3) == 0;
    xType = int8 ? DataType.I8 : DataType.values()[random.nextInt(4)];
    yType = DataType.values()[random.nextInt(3)];
    x = Problems.activations(random, xType, m * k);
    if (!int8 && xType != DataType.F8_E4M3) {
      spoil(random, x);
    }
    xScale =
        int8
            ? TernaryBuffer.copyOf(
                DataType.F32, Problems.floats(random, (int) (m * activation.scales(k))))
            : xType == DataType.F8_E4M3 && random.nextBoolean()
                ? TernaryBuffer.copyOf(DataType.F32, Problems.floats(random, m))
                : null;
    bias = random.nextBoolean() ? Problems.floats(random, n) : null;
    norm = normed ? Problems.floats(random, k) : null;
    Alpha alpha =
        Alpha.of(kind, group, Problems.floats(random, (int) Alpha.count(kind, group, n, k)));
    layout = Layout.values()[random.nextInt(4)];
    try (TernaryWeights packed =
        TernaryWeights.pack(Problems.ternary(random, n * k), n, k, alpha)) {
      weights = packed.repack(layout);
    }
  }

  /** Of a size that divides K, where one does. */
  private static Rotation rotation(Random random, int k) {
    int most = Integer.lowestOneBit(k);
    if (most < 32) {
      return null;
    }
    int block = 32 << random.nextInt(Integer.numberOfTrailingZeros(most) - 4);
    float[] signs = new float[k];
    for (int i = 0; i < k; i++) {
      signs[i] = random.nextBoolean() ? 1 : -1;
    }
    return random.nextBoolean() ? Rotation.of(block) : Rotation.of(block, signs);
  }

  /** A row with a NaN, and stretches that are zero, tiny or large. */
  private void spoil(Random random, TernaryBuffer x) {
    for (int i = 0; i < 4; i++) {
      int from = random.nextInt(m * k);
      float factor = new float[] {0, 1e-7f, 1e-30f, 200}[random.nextInt(4)];
      for (int j = from; j < Math.min(m * k, from + 70); j++) {
        x.put(j, x.get(j) * factor);
      }
    }
    if (random.nextInt(4) == 0) {
      x.put(random.nextInt(m * k), Float.NaN);
    }
  }

  /** Y of some of the rows, by a runtime. */
  TernaryBuffer run(TernaryRuntime runtime, int from, int rows) {
    TernaryBuffer y = TernaryBuffer.allocate(yType, rows * n);
    if (norm == null) {
      try (TernaryLinear layer =
          TernaryLinear.builder(runtime, weights)
              .activation(activation)
              .rotation(rotation)
              .bias(bias)
              .build()) {
        layer.apply(x(from, rows), k, xScale(from, rows), y, n, rows);
      }
      return y;
    }
    try (RmsNormLinear layer =
        RmsNormLinear.builder(runtime, weights)
            .norm(norm, EPS)
            .activation(activation)
            .rotation(rotation)
            .bias(bias)
            .build()) {
      layer.apply(x(from, rows), k, xScale(from, rows), null, null, 0, y, n, rows);
    }
    return y;
  }

  /** Y by the oracle. */
  TernaryBuffer expected() {
    TernaryBuffer y = TernaryBuffer.allocate(yType, m * n);
    if (norm == null) {
      Oracle.linear(weights, activation, rotation, bias, x, k, xScale, y, n, m);
    } else {
      Oracle.rmsNormLinear(
          weights, activation, rotation, norm, EPS, bias, x, k, xScale, null, null, 0, y, n, m);
    }
    return y;
  }

  private TernaryBuffer x(int from, int rows) {
    return x.slice((long) from * k, (long) rows * k);
  }

  private TernaryBuffer xScale(int from, int rows) {
    long scales = xType == DataType.I8 ? activation.scales(k) : 1;
    return xScale == null ? null : xScale.slice(from * scales, rows * scales);
  }

  @Override
  public void close() {
    weights.close();
  }

  @Override
  public String toString() {
    return Arrays.asList(m, n, k, activation, rotation, xType, yType, layout, weights.alpha())
        + (norm == null ? "" : " normed");
  }
}
