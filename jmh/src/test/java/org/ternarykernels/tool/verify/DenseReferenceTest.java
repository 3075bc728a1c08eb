package org.ternarykernels.tool.verify;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.ternarykernels.Alpha;
import org.ternarykernels.AlphaKind;
import org.ternarykernels.DataType;
import org.ternarykernels.tool.problem.RandomProblem;
import org.ternarykernels.tool.problem.ScalarFormat;

class DenseReferenceTest {
  /** The dense references, recomputed here output by output with exact sums. */
  @Test
  void referencesAreTheDenseProducts() {
    RandomProblem random = new RandomProblem(4);
    int k = 70;
    byte[] w = random.weights(3, k);
    float[] x = random.activations(DataType.F32, 2, k).toArray();
    Alpha alpha = random.alpha(AlphaKind.GROUP, 32, 3, k);
    DenseReference reference = new DenseReference(x, 2, w, 3, k, alpha, new float[3]);
    for (int row = 0; row < 2; row++) {
      for (int n = 0; n < 3; n++) {
        double sum = 0;
        float sum16 = 0;
        for (int i = 0; i < k; i++) {
          float a = alpha.values()[n * 3 + i / 32] * w[n * k + i];
          sum += (double) x[row * k + i] * a;
          sum16 += ScalarFormat.roundToHalf(x[row * k + i]) * ScalarFormat.roundToHalf(a);
        }
        assertThat(reference.fp32[row * 3 + n]).isEqualTo((float) sum);
        assertThat(reference.fp16[row * 3 + n]).isEqualTo(ScalarFormat.roundToHalf(sum16));
      }
    }
  }
}
