package org.ternarykernels.tool.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.ternarykernels.AlphaKind;
import org.ternarykernels.tool.problem.BundledData;
import org.ternarykernels.tool.problem.ExpertChoice;
import org.ternarykernels.tool.problem.MoeShape;
import org.ternarykernels.tool.problem.Shape;

/** Which experts a benchmark's calls read. */
class ExpertRoundsTest {
  private static final MoeShape SHAPE = new MoeShape("s", 16, 4, 64, 32, AlphaKind.ROW);
  private static final int M = 400;

  @ParameterizedTest
  @EnumSource
  void aRowChoosesAnExpertOnceAndTheActiveOnesComeFirst(ExpertChoice choice) {
    int[] ids = choice.ids(3, M, SHAPE);
    assertThat(choice.ids(3, M, SHAPE)).isEqualTo(ids);
    Set<Integer> seen = new HashSet<>();
    for (int row = 0; row < M; row++) {
      int[] own = Arrays.copyOfRange(ids, row * 4, (row + 1) * 4);
      assertThat(Arrays.stream(own).filter(id -> id >= 0).boxed()).doesNotHaveDuplicates();
      for (int id : own) {
        assertThat(id).isLessThanOrEqualTo(seen.size());
        if (id >= 0) {
          seen.add(id);
        }
      }
    }
    assertThat(seen).hasSize(choice == ExpertChoice.ONE ? 1 : 16);
  }

  /**
   * Uniform: an expert has M / 4 rows but for a binomial's five deviations. Zipf: the likeliest
   * expert is first in every row with probability 1 / H(16) = 0.296 and later in others; the rarest
   * with 1 / 16 of that.
   */
  @Test
  void choicesAreAsSkewedAsTheySay() {
    int[] uniform = rows(ExpertChoice.UNIFORM);
    double deviation = Math.sqrt(M * 0.25 * 0.75);
    assertThat(Arrays.stream(uniform)).allMatch(count -> Math.abs(count - M / 4) < 5 * deviation);
    int[] zipf = rows(ExpertChoice.ZIPF);
    assertThat(zipf[zipf.length - 1]).isGreaterThan(M / 2);
    assertThat(zipf[0]).isLessThan(M / 4 / 2);
    assertThat(rows(ExpertChoice.ONE)).containsExactly(M);
  }

  private static int[] rows(ExpertChoice choice) {
    int[] rows = new ExpertRounds(choice.ids(3, M, SHAPE), 16, true, 1).rows().clone();
    Arrays.sort(rows);
    return rows;
  }

  @Test
  void everyExpertHasItsTurnBeforeOneIsReadAgain() {
    for (int m : new int[] {1, 2}) {
      ExpertRounds rounds = new ExpertRounds(ExpertChoice.UNIFORM.ids(5, m, SHAPE), 16, true, 1);
      assertThat(rounds.pairs()).isEqualTo(4 * m);
      Set<Integer> read = new HashSet<>();
      for (int call = 0; call < rounds.calls(); call++) {
        List<Integer> own = Arrays.stream(rounds.ids(call)).distinct().boxed().toList();
        assertThat(own).hasSize(rounds.active());
        if (read.size() + own.size() <= 16) {
          assertThat(read).doesNotContainAnyElementsOf(own);
        }
        read.addAll(own);
      }
      assertThat(read).hasSize(16);
    }
    assertThat(new ExpertRounds(ExpertChoice.ONE.ids(5, 3, SHAPE), 16, true, 1).calls())
        .isEqualTo(16);
    assertThat(new ExpertRounds(ExpertChoice.ONE.ids(5, 3, SHAPE), 16, false, 1).calls()).isOne();
  }

  @Test
  void shapesAreThoseOfTheShapeFiles() throws IOException {
    try (BundledData data = new BundledData(null)) {
      for (MoeShape shape : MoeShape.ALL) {
        if (BundledData.SHAPE_FILES.contains(shape.name())) {
          assertThat(data.shapes(shape.name()))
              .contains(
                  new Shape(2 * shape.i(), shape.h(), "expert_gate_up"),
                  new Shape(shape.h(), shape.i(), "expert_down"));
        }
      }
    }
  }
}
