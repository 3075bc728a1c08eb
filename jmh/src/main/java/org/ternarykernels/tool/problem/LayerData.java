package org.ternarykernels.tool.problem;

import org.ternarykernels.Alpha;
import org.ternarykernels.AlphaKind;
import org.ternarykernels.DataType;
import org.ternarykernels.TernaryBuffer;

/** The operands of a layer that is timed; the same seed gives the same in any process. */
public final class LayerData {
  public final byte[] w;
  public final Alpha alpha;

  /** Activations in bf16, one matrix for each number of rows. */
  public final TernaryBuffer[] x;

  public LayerData(Shape shape, long seed, int... rows) {
    RandomProblem random = new RandomProblem(seed);
    w = random.weights(shape.n(), shape.k());
    alpha = random.alpha(AlphaKind.TENSOR, 0, shape.n(), shape.k());
    x = new TernaryBuffer[rows.length];
    for (int i = 0; i < rows.length; i++) {
      x[i] = random.activations(DataType.BF16, rows[i], shape.k());
    }
  }
}
