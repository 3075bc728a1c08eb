package org.ternarykernels.tool.capacity;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.ternarykernels.tool.load.LoadPlan;
import org.ternarykernels.tool.load.LoadResult;
import org.ternarykernels.tool.load.PromptMix;
import org.ternarykernels.tool.load.UserLoad;
import org.ternarykernels.tool.stack.Stack;
import org.ternarykernels.tool.stack.StackSizes;

class CapacitySearchTest {
  @Test
  void findsTheLargestAndAsksOnceOfEach() throws IOException {
    for (int most : new int[] {1, 2, 5, 64, 100}) {
      for (int capacity = 0; capacity <= most + 3; capacity++) {
        List<Integer> asked = new ArrayList<>();
        int limit = capacity;
        int found =
            CapacitySearch.largest(
                most,
                users -> {
                  asked.add(users);
                  return users <= limit;
                });
        assertThat(found).isEqualTo(Math.min(capacity, most));
        assertThat(asked).doesNotHaveDuplicates().allMatch(users -> users >= 1 && users <= most);
      }
    }
  }

  /** Refuses no text; never steps. */
  private record Sizes(int mostRows) implements Stack {
    @Override
    public String name() {
      return "sizes";
    }

    @Override
    public StackSizes sizes() {
      return new StackSizes(1, 1, 1, 0, "tensor", 0, 0);
    }

    @Override
    public long weightBytes() {
      return 1;
    }

    @Override
    public Sequence begin(int promptTokens, int newTokens, long seed) {
      return () -> {};
    }

    @Override
    public void step(List<Part> parts) {
      throw new AssertionError("nothing is computed");
    }

    @Override
    public long[] expertRows() {
      return new long[0];
    }

    @Override
    public void close() {}
  }

  @Test
  void aDenseStepTakesTheTimeThatWasMeasuredForAsManyRows() {
    DenseStack dense = new DenseStack(new Sizes(8), 77, Map.of(1, 1e6, 2, 3e6, 4, 4e6, 8, 9e6));
    LoadPlan plan = new LoadPlan(3, 3, PromptMix.parse("1x2"), 2, 0, true, 60, 1);
    LoadResult result = new UserLoad(dense, dense, plan).run();
    // Six rows of prompts as eight, then three rows as four.
    assertThat(result.firstToken().percentile(95)).isBetween(8_990_000L, 9_010_000L);
    assertThat(result.betweenTokens().percentile(95)).isBetween(3_990_000L, 4_010_000L);
    assertThat(dense.weightBytes()).isEqualTo(77);
  }
}
