package org.ternarykernels.tool.stack;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.ternarykernels.Activation;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.example.Model;
import org.ternarykernels.tool.problem.Shape;
import org.ternarykernels.tool.stack.Stack.Part;
import org.ternarykernels.tool.stack.Stack.Sequence;

class StackTest {
  private static final List<Shape> DENSE =
      List.of(
          new Shape(192, 64, "qkv"),
          new Shape(64, 128, "o"),
          new Shape(256, 64, "gate_up"),
          new Shape(64, 128, "down"),
          new Shape(300, 64, "lm_head"));

  private static long calls(Map<String, Long> paths, String op) {
    return paths.entrySet().stream()
        .filter(path -> path.getKey().startsWith(op + "."))
        .mapToLong(Map.Entry::getValue)
        .sum();
  }

  @Test
  void aStepGoesThroughEveryLayerOnce() {
    StackSizes sizes = new StackSizes(3, 2, 32, 100, "group:32", 0, 0);
    try (TernaryRuntime runtime = TernaryRuntime.create();
        Stack stack = new ShapeStack("dense", sizes, DENSE, runtime, null, Activation.A8, 8)) {
      Sequence one = stack.begin(4, 2, 1);
      Sequence other = stack.begin(4, 2, 2);
      stack.step(List.of(new Part(one, 5), new Part(other, 1)));
      assertThat(calls(runtime.pathCounts(), "rmsnorm_linear")).isEqualTo(3 * 2);
      assertThat(calls(runtime.pathCounts(), "linear")).isEqualTo(3 * 2 + 1);
      assertThat(stack.weightBytes()).isGreaterThan(3 * (192 + 128 + 256 + 128) * 64 / 5);
      assertThat(sizes.kvBytesOfToken()).isEqualTo(2 * 3 * 2 * 32 * 2);
      assertThatThrownBy(() -> stack.step(List.of(new Part(one, 9))))
          .hasMessage("a step has 9 rows, must have 1 to 8");
      assertThatThrownBy(() -> stack.begin(99, 2, 1))
          .hasMessage("the text would be 101 tokens long, the context of dense is 100");
    }
  }

  @Test
  void expertsServeTheRowsThatChooseThem() {
    StackSizes sizes = new StackSizes(2, 0, 0, 0, "column", 6, 3);
    List<Shape> shapes =
        List.of(new Shape(64, 32, "expert_gate_up"), new Shape(32, 32, "expert_down"));
    try (TernaryRuntime runtime = TernaryRuntime.create();
        Stack stack = new ShapeStack("moe", sizes, shapes, runtime, null, Activation.A8, 4)) {
      stack.step(List.of(new Part(stack.begin(1, 1, 1), 4)));
      assertThat(Arrays.stream(stack.expertRows()).sum()).isEqualTo(2 * 4 * 3);
      assertThat(calls(runtime.pathCounts(), "moe_down")).isPositive();
    }
    try (TernaryRuntime runtime = TernaryRuntime.create()) {
      assertThatThrownBy(
              () ->
                  new ShapeStack(
                      "moe", sizes, shapes.subList(0, 1), runtime, null, Activation.A8, 4))
          .hasMessage("shapes of moe have no expert_down, which their experts need");
    }
  }

  @Test
  void aModelWritesTheSameTextWhoeverIsBesideIt() {
    Path folder = Path.of(System.getProperty("test.data"), "tiny-bitnet");
    try (TernaryRuntime runtime = TernaryRuntime.create();
        Stack stack = new ModelStack("tiny-bitnet", Model.load(runtime, folder), 16)) {
      Sequence alone = stack.begin(10, 6, 7);
      stack.step(List.of(new Part(alone, 10)));
      for (int i = 1; i < 6; i++) {
        stack.step(List.of(new Part(alone, 1)));
      }
      Sequence same = stack.begin(10, 6, 7);
      Sequence other = stack.begin(3, 9, 8);
      stack.step(List.of(new Part(other, 3), new Part(same, 4)));
      stack.step(List.of(new Part(same, 6), new Part(other, 1)));
      for (int i = 1; i < 6; i++) {
        stack.step(List.of(new Part(other, 1), new Part(same, 1)));
      }
      assertThat(ModelStack.tokens(same)).containsExactly(ModelStack.tokens(alone));
      assertThat(ModelStack.tokens(other)).hasSize(12);
    }
  }

  @Test
  void everyBundledModelHasSizesAndShapesThatFit() throws Exception {
    for (String name : List.of("bitnet-2b-4t", "qwen3-30b-a3b", "bonsai-1.7b")) {
      assertThat(StackOptions.bundledSizes(name).kvBytesOfToken()).as(name).isPositive();
    }
  }
}
