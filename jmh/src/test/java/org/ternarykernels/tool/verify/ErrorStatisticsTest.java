package org.ternarykernels.tool.verify;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class ErrorStatisticsTest {
  @Test
  void statisticsAreThoseOfTheirDefinitions() {
    ErrorStatistics errors = new ErrorStatistics();
    errors.addRow(new float[] {3, 4.5f, 0.5f}, new float[] {3, 4, 0}, 0, 3, column -> 1);
    assertThat(errors.maxAbs).isEqualTo(0.5);
    // relative to max(|ref|, RMS of the row): the RMS of (3, 4, 0) is 5 / sqrt(3)
    assertThat(errors.maxRel).isCloseTo(0.5 / (5 / Math.sqrt(3)), within(1e-12));
    assertThat(errors.rmse()).isCloseTo(Math.sqrt(0.5 / 3), within(1e-12));
    assertThat(errors.cosine()).isCloseTo(27 / (5 * Math.sqrt(29.5)), within(1e-12));
  }
}
