package org.ternarykernels.example;

/**
 * What two implementations of attention may differ by, that round fp32 and nothing else.
 *
 * <p>Frequencies of the rotation differ by 2u, so an angle at position p by 2up, and with it both
 * rotated vectors by (2p + 8)u; a score sums dim products on either side: together {@code e = (4p +
 * 16 + 2 * (dim + 4)) u * |q| * |k| / sqrt(dim)}. Each weight of the softmax is off by {@code 2e +
 * 40u} of itself, and the sum of p values by 2pu more, so a head's output by {@code (2e + (2p + 40)
 * u) * max |v|}.
 */
final class AttentionBound {
  private static final double U = 0x1p-24;

  private AttentionBound() {}

  /**
   * The bounds of the heads' outputs.
   *
   * @param q {@code [rows, queries]}, before the rotation
   * @param k {@code [rows, keys]}
   * @param v {@code [rows, keys]}
   * @return {@code [rows, queries]}
   */
  static double[] of(AttentionConfig sizes, float[] q, float[] k, float[] v) {
    int dim = sizes.headDim();
    int width = sizes.queries();
    double[] bound = new double[q.length];
    for (int i = 0; i < bound.length; i++) {
      int row = i / width;
      int head = i % width / dim;
      int group = head / (sizes.heads() / sizes.kvHeads());
      double key = 0;
      double value = 0;
      for (int t = 0; t <= row; t++) {
        int at = t * sizes.keys() + group * dim;
        key = Math.max(key, norm(k, at, dim));
        value = Math.max(value, Math.abs(v[at + i % dim]));
      }
      double size = norm(q, row * width + head * dim, dim);
      double score = (4 * row + 16 + 2 * (dim + 4)) * U * size * key / Math.sqrt(dim);
      bound[i] = (2 * score + (2 * row + 40) * U) * value;
    }
    return bound;
  }

  static double norm(float[] values, int from, int count) {
    double squares = 0;
    for (int i = from; i < from + count; i++) {
      squares += (double) values[i] * values[i];
    }
    return Math.sqrt(squares);
  }
}
