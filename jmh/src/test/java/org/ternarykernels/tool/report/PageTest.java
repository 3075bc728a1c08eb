package org.ternarykernels.tool.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ternarykernels.tool.report.Chart.Series;

class PageTest {
  @TempDir Path folder;

  private List<Run> runs() throws Exception {
    List<Run> runs = new ArrayList<>();
    for (Path path : RunFixture.all(folder)) {
      runs.add(Run.read(path));
    }
    return runs;
  }

  @Test
  void everyCommandHasItsPartAndNothingIsFetched() throws Exception {
    String page = Page.of(runs(), List.of("Left out: x."));
    for (String command :
        List.of("bench", "load", "capacity", "sweep", "hybrid", "shadow", "parity")) {
      assertThat(page).contains("<section id=\"" + command + "\">");
    }
    assertThat(page)
        .contains("Content-Security-Policy", "default-src 'none'", "Left out: x.")
        .contains("memory read, 2 threads: 20 GB/s", "avx2 int8 peak, 2 threads: 2560 GOPS")
        .contains("the busiest has 3.00", "split2, no effect", "failed 1 times", "Gates")
        .contains("Ternary serves up to M = 64.", "7 calls were computed again, 1 differed.")
        .contains("linear.gemm_a8_i2s.cpu.amx:layout")
        .doesNotContain("<script", "http:", "https:", "url(", "@import", "src=");
    assertThat(page.split("<table>", -1)).hasSize(1 + 8);
  }

  @Test
  void whateverAFileSaysIsText() throws Exception {
    String page = Page.of(runs(), List.of());
    assertThat(page).contains(Html.escape(RunFixture.HOSTILE)).doesNotContain(RunFixture.HOSTILE);
  }

  @Test
  void everyRowIsInTheMergedTable() throws Exception {
    List<String> lines = MergedRows.csv(runs()).lines().toList();
    assertThat(lines).hasSize(1 + 2 + 3 + 1 + 3 + 2 + 1 + 1);
    assertThat(lines.get(0)).startsWith("run,command,").contains("tokens_per_second", "profile");
    assertThat(lines.get(3)).startsWith("load,load,");
  }

  @Test
  void anInterruptedRunSaysSo() throws Exception {
    Path path = RunFixture.write(folder.resolve("load"), "load", Map.of(), List.of());
    Files.delete(path.resolve("result.json"));
    assertThat(Page.of(List.of(Run.read(path)), List.of()))
        .contains("This run has not gone to its end.", "No rows.");
  }

  /** Rows are written before the last rounds are known, and once more when they are run again. */
  @Test
  void aSweepIsWhatItsDocumentSaysInTheEnd() throws Exception {
    List<Map<String, Object>> last =
        List.of(
            Map.of("profile", "p", "round", 1, "status", "ok", "effect", "yes", "m1_tps", 5),
            Map.of("profile", "q", "round", 0, "status", "missing", "why", "no such ISA"));
    Path path = RunFixture.write(folder.resolve("sweep"), "sweep", Map.of(), last);
    Files.writeString(
        path.resolve("rows.jsonl"),
        """
        {"profile": "p", "round": 1, "status": "failed", "why": "x"}
        {"profile": "p", "round": 1, "status": "ok", "effect": "none", "m1_tps": 5}
        """);
    assertThat(Page.of(List.of(Run.read(path)), List.of()))
        .contains("no such ISA")
        .doesNotContain("failed 1 times", "no effect");
  }

  @Test
  void damagedFilesAreNamed() throws Exception {
    assertThatThrownBy(() -> Run.read(folder)).hasMessageContaining("has no config.json");
    Path path = RunFixture.write(folder.resolve("load"), "load", Map.of(), List.of());
    Files.writeString(path.resolve("rows.jsonl"), "{\"users\":1}\n{\"users\n");
    assertThatThrownBy(() -> Run.read(path)).hasMessageContaining("rows.jsonl, line");
  }

  @Test
  void axesHaveTicksThatPeopleRead() {
    assertThat(Axis.around("ms", false, List.of(7.3)).ticks())
        .containsExactly(0.0, 2.0, 4.0, 6.0, 8.0);
    assertThat(Axis.around("us", true, List.of(3.0, 420.0)).ticks())
        .containsExactly(1.0, 10.0, 100.0, 1000.0);
    assertThat(Axis.ofRows("M", List.of(1.0, 16.0)).ticks())
        .containsExactly(1.0, 2.0, 4.0, 8.0, 16.0);
    assertThat(Axis.around("us", true, List.of(1.0, 100.0)).place(10)).isEqualTo(0.5, within(1e-9));
    assertThat(Axis.text(0.25)).isEqualTo("0.25");
    assertThat(Axis.text(512)).isEqualTo("512");
    assertThat(Axis.text(2e6)).isEqualTo("2e+06");
    assertThat(
            Chart.of(
                "x",
                Axis.ofRows("M", List.of()),
                Axis.ofRows("M", List.of()),
                List.of(new Series("none", List.of(), true))))
        .isEmpty();
  }
}
