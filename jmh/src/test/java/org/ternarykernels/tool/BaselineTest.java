package org.ternarykernels.tool;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class BaselineTest {
  @Test
  void oneDnnIsTimedInItsOwnProcessAndItsResultChecked() throws Exception {
    List<Baseline.Timing> timings = Baseline.fastest(new Shape(64, 96, "small"), 7, 2, 1, 3);
    assertThat(timings).hasSize(2).allSatisfy(timing -> {
      assertThat(timing.what()).matches("oneDNN (bf16|fp32)");
      assertThat(timing.micros()).isPositive();
    });
  }

  @Test
  void whatTheProcessSaysBecomesTimingsOrAReason() {
    assertThat(Baseline.parse("noise\n" + Baseline.LINE + "oneDNN bf16\t2.5\n" + Baseline.LINE + "oneDNN has no it\n", 2))
        .containsExactly(new Baseline.Timing("oneDNN bf16", 2.5), new Baseline.Timing("oneDNN has no it", null));
    assertThat(Baseline.parse(Baseline.LINE + "oneDNN bf16\t2.5\nKilled\n", 2))
        .containsExactly(new Baseline.Timing("oneDNN: Killed", null), new Baseline.Timing("oneDNN: Killed", null));
    assertThat(Baseline.parse("", 1).get(0).what()).contains("said nothing");
  }
}
