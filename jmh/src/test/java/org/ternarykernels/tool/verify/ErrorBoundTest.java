package org.ternarykernels.tool.verify;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.ternarykernels.Activation;
import org.ternarykernels.Alpha;
import org.ternarykernels.AlphaKind;
import org.ternarykernels.DataType;
import org.ternarykernels.tool.problem.RandomProblem;

class ErrorBoundTest {
  /**
   * A right output is within the bound; one that is off by twice the bound, infinite or NaN is not.
   */
  @Test
  void anErrorOfOneOutputIsSeen() {
    RandomProblem random = new RandomProblem(3);
    Alpha alpha = random.alpha(AlphaKind.ROW, 0, 9, 50);
    float[] x = random.activations(DataType.F32, 2, 50).toArray();
    DenseReference reference =
        new DenseReference(x, 2, random.weights(9, 50), 9, 50, alpha, random.vector(9, 1));
    ErrorBound bound = new ErrorBound(reference, Activation.A8, DataType.F32, DataType.F32, false);
    assertThat(judge(reference, bound, 0)).isZero();
    assertThat(judge(reference, bound, (float) (2 * bound.fp32(1, 4)))).isBetween(1.99, 2.01);
    VerifyLimits limits = new VerifyLimits(null, null);
    for (float wrong : new float[] {Float.NaN, Float.POSITIVE_INFINITY}) {
      ErrorStatistics errors = new ErrorStatistics();
      errors.addRow(new float[] {wrong, 1}, new float[] {1, 1}, 0, 2, column -> 1);
      assertThat(errors.nonFinite).isEqualTo(1);
      assertThat(limits.accept(errors)).isFalse();
    }
  }

  private static double judge(DenseReference reference, ErrorBound bound, float error) {
    float[] y = reference.fp32.clone();
    y[9 + 4] += error;
    ErrorStatistics errors = new ErrorStatistics();
    errors.addRow(y, reference.fp32, 9, 9, column -> bound.fp32(1, column));
    assertThat(new VerifyLimits(null, null).accept(errors)).isEqualTo(error == 0);
    return errors.maxOfBound;
  }
}
