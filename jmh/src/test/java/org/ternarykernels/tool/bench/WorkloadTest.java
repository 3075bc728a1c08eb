package org.ternarykernels.tool.bench;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.ternarykernels.Activation;
import org.ternarykernels.Layout;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.tool.bench.Workload.Operation;
import org.ternarykernels.tool.measure.Machine;
import org.ternarykernels.tool.problem.Shape;
import org.ternarykernels.tool.problem.WeightCopies;
import org.ternarykernels.tool.problem.WeightCopies.State;

/** What is timed gives the right values, and comes from where it is said to. */
class WorkloadTest {
  @Test
  void streamingGoesRoundCopiesThatNoCacheHolds() {
    Shape shape = new Shape(512, 512, "s");
    try (WeightCopies copies = new WeightCopies(shape, 1, Layout.I2S_TILED, 1 << 20);
        TernaryRuntime runtime = TernaryRuntime.builder().threads(1).build();
        Workload workload = Workload.of(Operation.LINEAR, runtime, copies, 2)) {
      assertThat(copies.totalBytes()).isGreaterThanOrEqualTo(1 << 20);
      assertThat(copies.copies())
          .hasSize((int) ((copies.bytes() - 1 + (1 << 20)) / copies.bytes()));
      assertThat(copies.fullySpread()).isTrue();
      assertThat(workload.check()).isEqualTo(2);
    }
    assertThat(WeightCopies.streamingBytes())
        .isGreaterThanOrEqualTo(4 * new Machine().lastLevelBytes());
    try (WeightCopies one = new WeightCopies(shape, 1, Layout.I2S_TILED, State.RESIDENT)) {
      assertThat(one.copies()).hasSize(1);
    }
  }

  @Test
  void everyOperationAndLayoutIsCheckedAgainstTheOracle() {
    Shape shape = new Shape(40, 300, "s");
    try (TernaryRuntime runtime = TernaryRuntime.builder().threads(2).build()) {
      for (Layout layout : Layout.values()) {
        try (WeightCopies copies = new WeightCopies(shape, 3, layout, State.RESIDENT);
            WeightCopies grouped = new WeightCopies(shape, 3, layout, State.RESIDENT, 64)) {
          for (Operation operation : Operation.ofOneMatrix()) {
            try (Workload workload = Workload.of(operation, runtime, copies, 6)) {
              assertThat(workload.check()).as(layout + " " + operation).isEqualTo(6);
            }
            if (operation == Operation.LINEAR_A16) {
              continue;
            }
            try (Workload workload =
                Workload.of(operation, Activation.a8(128), runtime, grouped, 6)) {
              assertThat(workload.check()).as(layout + " by block " + operation).isEqualTo(6);
              assertThat(workload.path()).contains(".block128.");
            }
          }
        }
      }
    }
  }
}
