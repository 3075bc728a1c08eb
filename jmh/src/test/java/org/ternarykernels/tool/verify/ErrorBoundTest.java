package org.ternarykernels.tool.verify;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.withinPercentage;

import java.util.Arrays;
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

  /** A block that is all small is allowed a small error, whatever the largest of its row. */
  @Test
  void ofBlocksEachHasItsOwnStep() {
    float[] x = new float[64];
    Arrays.fill(x, 0, 32, 1);
    Arrays.fill(x, 32, 64, 1e-3f);
    byte[] first = new byte[64];
    byte[] second = new byte[64];
    Arrays.fill(first, 0, 32, (byte) 1);
    Arrays.fill(second, 32, 64, (byte) 1);
    for (byte[] w : new byte[][] {first, second}) {
      DenseReference reference = new DenseReference(x, 1, w, 1, 64, Alpha.tensor(1), new float[1]);
      double token =
          new ErrorBound(reference, Activation.A8, DataType.F32, DataType.F32, false).fp32(0, 0);
      double block =
          new ErrorBound(reference, Activation.a8(32), DataType.F32, DataType.F32, false)
              .fp32(0, 0);
      double step = w == first ? 1 : 1e-3;
      assertThat(token).isBetween(32 / 254.0, 32.1 / 254);
      assertThat(block).isBetween(step * 32 / 254, step * 32.1 / 254);
    }
  }

  /** What a rotation in fp32 may be off is seen, and is far below what quantising is. */
  @Test
  void aRotationRoundsAtEachStep() {
    RandomProblem random = new RandomProblem(4);
    float[] x = random.vector(2 * 128, 1);
    float[] signs = random.signs(128);
    RotatedRows rotated = RotatedRows.of(x, 128, 64, signs);
    double before = 0;
    double after = 0;
    for (int i = 0; i < x.length; i++) {
      before += x[i] * (double) x[i];
      after += rotated.values()[i] * (double) rotated.values()[i];
    }
    assertThat(after).as("it keeps lengths").isCloseTo(before, withinPercentage(1e-5));
    assertThat(rotated.values()).isNotEqualTo(x);
    assertThat(rotated.steps()).isEqualTo(6);
    DenseReference reference =
        new DenseReference(
            rotated.values(), 2, random.weights(9, 128), 9, 128, Alpha.tensor(1), new float[9]);
    double with =
        new ErrorBound(reference, Activation.A16, DataType.F32, DataType.F32, false, rotated)
            .fp32(0, 0);
    double without =
        new ErrorBound(reference, Activation.A16, DataType.F32, DataType.F32, false).fp32(0, 0);
    assertThat(with - without).isBetween(14 * 0x1p-24 * 8, 14 * 0x1p-24 * 1000);
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
