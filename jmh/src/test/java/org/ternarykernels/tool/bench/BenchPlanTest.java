package org.ternarykernels.tool.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.ternarykernels.Activation;
import org.ternarykernels.Isa;
import org.ternarykernels.Layout;
import org.ternarykernels.tool.bench.Workload.Operation;
import org.ternarykernels.tool.problem.BundledData;
import org.ternarykernels.tool.problem.Shape;
import org.ternarykernels.tool.problem.WeightCopies.State;

class BenchPlanTest {
  @Test
  void theQuickListIsShortAndHasEverything() {
    List<BenchCase> quick = BenchPlan.quick(Isa.AVX2, 2);
    assertThat(quick.size()).isBetween(15, 40);
    assertThat(quick.stream().map(BenchCase::operation).distinct())
        .containsExactlyInAnyOrderElementsOf(Operation.ofOneMatrix());
    assertThat(quick.stream().map(BenchCase::memory).distinct())
        .containsExactlyInAnyOrder(State.values());
    assertThat(quick.stream().filter(of -> of.layout() != null).map(BenchCase::layout).distinct())
        .containsExactlyInAnyOrderElementsOf(BenchPlan.layoutsInUse());
    assertThat(quick.stream().map(BenchCase::m).distinct()).contains(1, 64, 512);
    assertThat(quick.stream().map(BenchCase::isa).distinct()).containsExactly(Isa.AVX2);
    assertThat(quick).doesNotHaveDuplicates();
    assertThat(BenchPlan.quick(Isa.AVX512VNNI, 2).stream().map(BenchCase::layout))
        .as("another instruction set's kernels serve T3 there")
        .contains(Layout.T5_TILED)
        .doesNotContain(Layout.T3_TILED);
  }

  @Test
  void blocksAreOfOperationsWithInt8Activations() {
    List<BenchCase> cases =
        new BenchPlan(
                Map.of("s", List.of(new Shape(64, 128, "a"))),
                List.of(1),
                List.of(1),
                List.of(Isa.AVX2),
                List.of(Layout.I2S_TILED),
                Operation.ofOneMatrix(),
                List.of(State.RESIDENT),
                List.of(Activation.A8, Activation.a8(128)),
                64)
            .cases();
    assertThat(cases.stream().map(BenchCase::what))
        .containsExactly(
            "linear g64",
            "linear a8:128 g64",
            "linear_a16 g64",
            "rmsnorm_linear g64",
            "rmsnorm_linear a8:128 g64",
            "quantise_activations",
            "quantise_activations a8:128");
    assertThat(cases.stream().filter(BenchCase::hasBlocks)).hasSize(3);
  }

  @Test
  void theWholeListHasEveryBundledShape() throws Exception {
    try (Stream<Path> files = Files.list(Path.of(System.getProperty("test.data"), "shapes"))) {
      assertThat(
              files
                  .map(file -> file.getFileName().toString().replace(".txt", ""))
                  .collect(Collectors.toSet()))
          .containsExactlyInAnyOrderElementsOf(BundledData.SHAPE_FILES);
    }
    assertThat(BenchPlan.ALL_ROWS).containsExactly(1, 2, 4, 8, 16, 32, 64, 128, 512);
    assertThat(Shape.named("bitnet-2b-4t/gate_up")).isEqualTo(new Shape(13824, 2560, "gate_up"));
    assertThat(Shape.named("16x32")).isEqualTo(new Shape(16, 32, "16x32"));
    assertThatThrownBy(() -> Shape.named("bitnet-2b-4t/none"))
        .hasMessageContaining("bitnet-2b-4t/none");
  }
}
