package org.ternarykernels.tool.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.ternarykernels.Isa;
import org.ternarykernels.Layout;
import org.ternarykernels.tool.bench.WeightCopies.State;
import org.ternarykernels.tool.bench.Workload.Operation;
import org.ternarykernels.tool.problem.BundledData;
import org.ternarykernels.tool.problem.Shape;

class BenchPlanTest {
  @Test
  void theQuickListIsShortAndHasEverything() {
    List<BenchCase> quick = BenchPlan.quick(Isa.AVX2, 2);
    assertThat(quick.size()).isBetween(15, 40);
    assertThat(quick.stream().map(BenchCase::operation).distinct())
        .containsExactlyInAnyOrder(Operation.values());
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
