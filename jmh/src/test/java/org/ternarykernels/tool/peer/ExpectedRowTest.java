package org.ternarykernels.tool.peer;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ExpectedRowTest {
  private static final float[] X = {1, -2, 4};
  private static final byte[] W = {1, -1, 0, /* second row of W */ 0, 0, 0};
  private static final float ALPHA = 0.5f;

  /** Two weights that are not 0, each off by half a step of 4 / 127, and 9 roundings of 3. */
  private static final double BOUND =
      ALPHA * (2 * 4 * (1 / 254.0 + 3 * 0x1p-24) + 9 * 0x1p-24 * (3 + 2 * 4 / 254.0));

  private final ExpectedRow row = new ExpectedRow(X, W, ALPHA);

  @Test
  void whatInt8AndFp32CanDoIsRight() {
    for (double error : new double[] {0, 0.999 * BOUND, -0.999 * BOUND}) {
      assertThat(row.complaint("row 3", new float[] {(float) (1.5 + error), 0})).isNull();
    }
  }

  @Test
  void whatIsFartherOffIsNamedWithItsSize() {
    for (double error : new double[] {1.001 * BOUND, -1.001 * BOUND}) {
      assertThat(row.complaint("row 3", new float[] {(float) (1.5 + error), 0}))
          .startsWith("wrong result, not timed: row 3, column 0 is")
          .endsWith("must be 1.50000 +- 0.016: off by 0.0158, 1.00 times the bound");
    }
    assertThat(row.complaint("row 3", new float[] {1.5f, 0.25f}))
        .contains("column 1 is 0.250000, must be 0.00000 +- 0.0: off by 0.250, Infinity times");
    for (float wrong : new float[] {Float.NaN, Float.NEGATIVE_INFINITY}) {
      assertThat(row.complaint("row 3", new float[] {wrong, 0})).contains("column 0 is");
      assertThat(row.complaint("row 3", new float[] {1.5f, wrong})).contains("column 1 is");
    }
  }
}
