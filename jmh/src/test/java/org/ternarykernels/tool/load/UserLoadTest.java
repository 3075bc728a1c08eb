package org.ternarykernels.tool.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** The engine under a clock whose every moment is known. */
class UserLoadTest {
  private static final long MILLI = StubbedStack.MILLI;

  private static LoadPlan plan(int users, int requests, String mix, int tokens, double rate) {
    return new LoadPlan(users, requests, PromptMix.parse(mix), tokens, rate, true, 60, 1);
  }

  private static void assertMillis(Map<String, Object> row, String name, double millis) {
    assertThat(((Number) row.get(name)).doubleValue() / MILLI)
        .as(name)
        .isCloseTo(millis, within(millis * 1e-3)); // what the histogram keeps
  }

  @Test
  void oneUserSeesEveryStep() {
    StubbedStack stack = new StubbedStack(8, 10 * MILLI, MILLI);
    Map<String, Object> row = new UserLoad(stack, stack, plan(1, 2, "1x20", 3, 0)).run().row(true);
    // Of each text: 8, 8 and 4 rows of the prompt (18 + 18 + 14 ms), then two rows alone.
    assertThat(stack.rowsOfSteps).containsExactly(8, 8, 4, 1, 1, 8, 8, 4, 1, 1);
    assertMillis(row, "ttft_p50_ns", 50);
    assertMillis(row, "itl_p99_ns", 11);
    assertMillis(row, "e2e_p95_ns", 72);
    assertMillis(row, "step_p50_ns", 14);
    assertMillis(row, "step_p95_ns", 18);
    assertThat(row)
        .containsEntry("requests", 2)
        .containsEntry("failed", 0)
        .containsEntry("mode", "closed")
        .containsEntry("cut", false)
        .containsEntry("steps", 10L);
    assertThat((Double) row.get("tokens_per_second")).isCloseTo(6 / 0.144, within(1e-9));
    assertThat((Double) row.get("requests_per_second")).isCloseTo(2 / 0.144, within(1e-9));
    assertThat((Double) row.get("rows_mean")).isCloseTo(4.4, within(1e-9));
  }

  @Test
  void textsThatAreWrittenGoBeforePrompts() {
    StubbedStack stack = new StubbedStack(2, MILLI, 0);
    Map<String, Object> row = new UserLoad(stack, stack, plan(3, 3, "1x1", 4, 0)).run().row(true);
    // Three users, two rows a step: the third is read once the others have their answers.
    assertThat(stack.rowsOfSteps).containsExactly(2, 2, 2, 2, 1, 1, 1, 1);
    assertThat(row).containsEntry("requests", 3).containsEntry("failed", 0);
    assertMillis(row, "e2e_p50_ns", 4);
    assertMillis(row, "ttft_p99_ns", 5);
  }

  @Test
  void latenciesOfAnOpenLoopCountFromTheIntendedArrival() {
    // A request of 1 + 1 steps of 100 ms each 50 ms, one at a time: the i-th waits 150 ms * i.
    StubbedStack stack = new StubbedStack(4, 100 * MILLI, 0);
    Map<String, Object> row = new UserLoad(stack, stack, plan(1, 10, "1x4", 2, 20)).run().row(true);
    assertThat(row).containsEntry("mode", "open").containsEntry("rate", 20.0);
    assertMillis(row, "ttft_p50_ns", 100 + 150 * 4);
    assertMillis(row, "ttft_p99_ns", 100 + 150 * 9);
    assertMillis(row, "e2e_p50_ns", 200 + 150 * 4);
    assertMillis(row, "step_p99_ns", 100);
    assertThat(row).containsEntry("queue_depth_max", 7);
  }

  @Test
  void withoutWorkItWaitsForTheNextArrival() {
    StubbedStack stack = new StubbedStack(4, MILLI, 0);
    Map<String, Object> row = new UserLoad(stack, stack, plan(2, 3, "1x4", 1, 10)).run().row(true);
    assertMillis(row, "ttft_p99_ns", 1);
    assertThat((Double) row.get("seconds")).isCloseTo(0.201, within(1e-9));
    assertThat(row).containsEntry("queue_depth_max", 0);
  }

  @Test
  void whatFailsIsCountedAndTheOthersGoOn() {
    StubbedStack stack = new StubbedStack(4, MILLI, 0).failingAt(1);
    LoadResult result = new UserLoad(stack, stack, plan(1, 4, "1x2", 2, 0)).run();
    assertThat(result.row(true))
        .containsEntry("requests", 4)
        .containsEntry("failed", 1)
        .containsEntry("success_rate", 0.75)
        .containsEntry("why", "the step failed");
    StubbedStack other = new StubbedStack(4, MILLI, 0);
    LoadResult tooLong = new UserLoad(other, other, plan(2, 5, "1x950", 2, 0)).run();
    assertThat(tooLong.failed()).isEqualTo(5);
    assertThat(tooLong.row(true))
        .containsEntry("why", "the text is too long")
        .containsEntry("step_p50_ns", null);
    assertThat(other.rowsOfSteps).isEmpty();
  }

  @Test
  void aRowEndsWithItsTime() {
    StubbedStack stack = new StubbedStack(4, 300 * MILLI, 0);
    LoadPlan plan = new LoadPlan(1, 100, PromptMix.parse("1x1"), 1, 0, true, 1, 1);
    LoadResult result = new UserLoad(stack, stack, plan).run();
    assertThat(result.isCut()).isTrue();
    assertThat(result.row(true)).containsEntry("cut", true).containsEntry("requests", 4);
  }

  @Test
  void usersThatAreNotHeldBeginOneAMillisecond() {
    StubbedStack stack = new StubbedStack(4, MILLI / 4, 0);
    LoadPlan plan = new LoadPlan(3, 3, PromptMix.parse("1x1"), 1, 0, false, 1, 1);
    Map<String, Object> row = new UserLoad(stack, stack, plan).run().row(true);
    assertThat(stack.rowsOfSteps).containsExactly(1, 1, 1);
    assertThat((Double) row.get("seconds")).isCloseTo(0.00225, within(1e-9));
  }

  @Test
  void theSoftwareGpuHasNoTimes() {
    StubbedStack stack = new StubbedStack(4, MILLI, 0);
    Map<String, Object> row = new UserLoad(stack, stack, plan(1, 1, "1x1", 1, 0)).run().row(false);
    assertThat(row)
        .containsEntry("step_p50_ns", null)
        .containsEntry("tokens_per_second", null)
        .containsEntry("seconds", null)
        .containsEntry("requests", 1);
  }

  @Test
  void singleRowsAreMeasuredAlone() {
    StubbedStack stack = new StubbedStack(4, 2 * MILLI, MILLI);
    FirstSteps steps = new FirstSteps(stack, stack);
    steps.warmUp(3);
    assertThat(stack.rowsOfSteps).containsExactly(4, 1, 1);
    Map<String, Object> single = steps.measure(true);
    assertThat(single).containsEntry("steps", 50);
    assertMillis(single, "p95_ns", 3);
    assertThat((Double) single.get("tokens_per_second")).isCloseTo(1000 / 3.0, within(1e-6));
  }

  @Test
  void promptsAreDrawnByTheirWeights() {
    PromptMix mix = PromptMix.parse("30x64,50x256,20x1024");
    SplittableRandom random = new SplittableRandom(1);
    int[] drawn = new int[1025];
    for (int i = 0; i < 10000; i++) {
      drawn[mix.draw(random)]++;
    }
    assertThat(drawn[64]).isBetween(2850, 3150);
    assertThat(drawn[256]).isBetween(4850, 5150);
    assertThat(drawn[1024]).isEqualTo(10000 - drawn[64] - drawn[256]);
    assertThat(mix.longest()).isEqualTo(1024);
    assertThat(mix).hasToString("30x64,50x256,20x1024");
    for (String wrong : new String[] {"", "64", "0x64", "3x0", "3x64,", "3x-1", "ax3"}) {
      assertThatThrownBy(() -> PromptMix.parse(wrong))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("is no WEIGHTxTOKENS");
    }
  }
}
