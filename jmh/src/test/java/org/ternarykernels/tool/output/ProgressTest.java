package org.ternarykernels.tool.output;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;

class ProgressTest {
  private static final long SECOND = 1_000_000_000L;

  private final StringWriter err = new StringWriter();
  private long now;

  @Test
  void afterTwoSecondsItSaysHowLongTheRestWillTake() {
    Progress progress = new Progress(new PrintWriter(err), 80, "rows", 100, () -> now);
    now = 2 * SECOND - 1;
    progress.at(1);
    assertThat(err.toString()).isEmpty();
    now = 4 * SECOND;
    progress.at(5, "now o");
    assertThat(err.toString()).isEqualTo("rows: 5 of 100, 1:16 left (now o)\n");
    now = 13 * SECOND;
    progress.at(20); // a file gets a line every ten seconds
    now = 14 * SECOND;
    progress.at(0);
    assertThat(err.toString().lines())
        .containsExactly("rows: 5 of 100, 1:16 left (now o)", "rows: 0 of 100");
  }
}
