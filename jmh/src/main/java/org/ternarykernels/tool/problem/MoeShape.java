package org.ternarykernels.tool.problem;

import java.util.List;
import org.ternarykernels.AlphaKind;
import org.ternarykernels.ExpertAlpha;

/**
 * A layer of experts.
 *
 * @param name the model, as its shape file is called where there is one
 * @param experts of the layer
 * @param slots experts of a row
 * @param h columns of X and Y
 * @param i columns between an expert's products
 * @param alpha what a scale belongs to
 */
public record MoeShape(String name, int experts, int slots, int h, int i, AlphaKind alpha) {
  /** Those that are timed. Qwen3's is Mangrove's shape, and has the scales that Mangrove trains. */
  public static final List<MoeShape> ALL =
      List.of(
          new MoeShape("qwen3-30b-a3b", 128, 8, 2048, 768, AlphaKind.COLUMN),
          new MoeShape("maple-20b-a1b", 256, 8, 2048, 512, AlphaKind.ROW),
          new MoeShape("tiny-mangrove", 16, 4, 256, 192, AlphaKind.COLUMN));

  /** Multiply-adds of one row in one expert. */
  public double products() {
    return 3.0 * h * i;
  }

  /** Scales of matrices of n x k of all experts. */
  public ExpertAlpha alphas(RandomProblem random, int n, int k) {
    int each = alpha == AlphaKind.ROW ? n : k;
    float[] values = new float[experts * each];
    for (int e = 0; e < experts; e++) {
      float[] own = random.alpha(alpha, 0, n, k).values();
      System.arraycopy(own, 0, values, e * each, each);
    }
    return alpha == AlphaKind.ROW ? ExpertAlpha.row(values) : ExpertAlpha.column(values);
  }
}
