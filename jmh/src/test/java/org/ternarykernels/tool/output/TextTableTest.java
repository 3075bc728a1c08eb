package org.ternarykernels.tool.output;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class TextTableTest {
  private final List<String> lines = new ArrayList<>();

  @Test
  void columnsThatDoNotFitAreLeftOutAndNamed() {
    TextTable table =
        new TextTable(lines::add, 20).left("run", 8).right("p50", 6).right("p95", 6).left("why", 4);
    table.row("baseline", 1.5, 2.25, "none");
    table.row("a name that is longer", null, 3, "x");
    table.end();
    assertThat(lines)
        .containsExactly(
            "run          p50",
            "baseline     1.5",
            "a name ~       -",
            "Left out at this",
            "  width, and in JSON",
            "  and CSV: p95, why.");
    assertThat(table.text()).isEqualTo(String.join("\n", lines) + "\n");
  }

  @Test
  void nothingIsLeftOutWhereAllFits() {
    TextTable table = new TextTable(lines::add, 18).left("run", 8).right("p50", 8);
    table.row("baseline", 12);
    table.end();
    assertThat(lines).containsExactly("run            p50", "baseline        12");
  }

  @Test
  void aSentenceIsBrokenAtSpaces() {
    TextTable table = new TextTable(lines::add, 16);
    table.note("  us by stage: activations 0.8");
    table.note("a-word-that-is-wider-than-all is whole");
    assertThat(lines)
        .containsExactly(
            "  us by stage:",
            "    activations",
            "    0.8",
            "a-word-that-is-wider-than-all",
            "  is whole");
  }
}
