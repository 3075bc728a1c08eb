package org.ternarykernels.tool.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.ternarykernels.Activation;
import org.ternarykernels.AlphaKind;
import org.ternarykernels.Layout;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.tool.problem.ExpertChoice;
import org.ternarykernels.tool.problem.ExpertCopies;
import org.ternarykernels.tool.problem.MoeShape;
import org.ternarykernels.tool.problem.WeightCopies.State;

/** What is timed of a layer of experts gives the right values, with every choice and layout. */
class MoeWorkloadTest {
  private static final int M = 6;

  @Test
  void theFirstCallAndTheLastAreCheckedAgainstTheOracle() {
    try (TernaryRuntime runtime = TernaryRuntime.builder().threads(2).build()) {
      for (AlphaKind alpha : new AlphaKind[] {AlphaKind.ROW, AlphaKind.COLUMN}) {
        MoeShape shape = new MoeShape("s", 16, 2, 96, 40, alpha);
        for (Layout layout : new Layout[] {Layout.I2S_TILED, Layout.T5_TILED}) {
          try (ExpertCopies copies = new ExpertCopies(shape, 3, layout, State.RESIDENT)) {
            for (ExpertChoice choice : ExpertChoice.values()) {
              ExpertRounds rounds = new ExpertRounds(choice.ids(4, M, shape), 16, true, 5);
              assertThat(rounds.calls()).isGreaterThan(1);
              try (MoeWorkload workload =
                  new MoeWorkload(runtime, copies, Activation.A8, rounds, M)) {
                assertThat(workload.check()).isEqualTo(4);
                assertThat(workload.operations()).isEqualTo(2.0 * rounds.pairs() * 3 * 96 * 40);
              }
            }
          }
        }
      }
    }
  }

  @Test
  void separateProductsAreTwoCallsOfEachActiveExpert() {
    MoeShape shape = new MoeShape("s", 16, 2, 96, 40, AlphaKind.COLUMN);
    ExpertRounds rounds = new ExpertRounds(ExpertChoice.ZIPF.ids(4, M, shape), 16, true, 5);
    try (TernaryRuntime runtime = TernaryRuntime.builder().threads(1).build();
        ExpertCopies copies = new ExpertCopies(shape, 3, Layout.I2S_TILED, State.RESIDENT);
        GatheredLinear linear = new GatheredLinear(runtime, copies, Activation.A8, rounds)) {
      for (int call = 1; call <= rounds.calls() + 1; call++) {
        linear.run();
        Map<String, Long> paths = runtime.pathCounts();
        assertThat(paths.keySet()).allMatch(path -> path.startsWith("linear."));
        assertThat(paths.values().stream().mapToLong(count -> count).sum())
            .isEqualTo(2L * rounds.active() * call);
      }
    }
  }
}
