package org.ternarykernels.tool.gate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.ternarykernels.tool.gate.GateRun.machine;
import static org.ternarykernels.tool.gate.GateRun.row;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What gates say of rows, alone and beside a baseline. */
class GatesTest {
  private static final Map<String, Object> HERE = machine("a CPU", null);

  @TempDir Path folder;

  private String gates(String text) throws IOException {
    return Files.writeString(folder.resolve("gates.yaml"), text).toString();
  }

  private String baseline(Map<String, Object> environment, List<Map<String, Object>> rows)
      throws IOException {
    return GateRun.store(folder.resolve("base"), "rows", environment, rows).toString();
  }

  @Test
  void aGateFailsWhereAValueIsBeyondItsBounds() throws IOException {
    GateRun run =
        new GateRun(HERE, List.of(row("linear", 1, 90, 100, 110), row("norm", 1, 1, 2, 3)))
            .with(
                "--gate",
                gates(
                    """
                    gates:
                      - {name: fast, metric: ns, where: {op: LINEAR, M: [1, 2]}, max: 99}
                      - {name: enough, metric: ns, where: {op: linear}, max: 100, min: 1e2}
                      - {name: slow, metric: ns, where: {op: norm}, min: 2.5}
                    """));
    assertThat(run.exitCode).as(run.error).isEqualTo(1);
    assertThat(run.verdicts())
        .extracting(v -> v.get("verdict"))
        .containsExactly("failed", "ok", "failed");
    assertThat(run.verdicts().get(0))
        .containsEntry("gate", "fast")
        .containsEntry("row", "op=linear M=1")
        .containsEntry("metric", "ns")
        .containsEntry("value", 100.0)
        .containsEntry("low", 90.0)
        .containsEntry("high", 110.0)
        .containsEntry("baseline", null)
        .containsEntry("change", null)
        .containsEntry("why", "ns is 100, must be at most 99");
    assertThat(run.verdicts().get(2)).containsEntry("why", "ns is 2, must be at least 2.500");
    assertThat(run.lines())
        .contains(
            "FAILED fast: ns is 100, must be at most 99 (op=linear M=1)", "1 ok, 0 same, 2 failed")
        .anyMatch(line -> line.matches("failed +fast +linear +100 +- +-  ns"))
        .allMatch(line -> line.length() <= 80);
  }

  @Test
  void intervalsThatTouchAreTheSame() throws IOException {
    String base =
        baseline(HERE, List.of(row("linear", 1, 90, 100, 110), row("linear", 2, 90, 100, 110)));
    GateRun run =
        new GateRun(HERE, List.of(row("linear", 1, 110, 150, 160), row("linear", 2, 111, 150, 160)))
            .with(
                "--gate",
                gates("gates: [{name: no slower, metric: ns, ratio: {max: 1.2}}]"),
                "--baseline",
                base);
    assertThat(run.exitCode).as(run.error).isEqualTo(1);
    assertThat(run.verdicts()).extracting(v -> v.get("verdict")).containsExactly("same", "failed");
    Map<String, Object> failed = run.verdicts().get(1);
    assertThat(failed)
        .containsEntry("baseline", 100.0)
        .containsEntry("change", 1.5)
        .containsEntry("change_low", 111 / 110.0)
        .containsEntry("change_high", 160 / 90.0)
        .containsEntry("why", "ns is 1.500 times the baseline's, must be at most 1.200");
    assertThat(run.lines())
        .anyMatch(line -> line.matches("same +no slower +M=1 +150 +1.50 +1.00-1.78  ns"))
        .anyMatch(line -> line.matches("failed +no slower +M=2 +150 +1.50 +1.01-1.78  ns"));
  }

  @Test
  void whatIsTheSameCountsAsNoChange() throws IOException {
    String base = baseline(HERE, List.of(row("linear", 1, 90, 100, 110)));
    String faster = gates("gates: [{name: faster, metric: ns, ratio: {max: 0.9}}]");
    GateRun same = new GateRun(HERE, List.of(row("linear", 1, 80, 85, 95)));
    same.with("--gate", faster, "--baseline", base);
    assertThat(same.exitCode).as(same.error).isEqualTo(1);
    assertThat(same.verdicts().get(0).get("why"))
        .isEqualTo("ns is the same as the baseline's, must be at most 0.9000 times");
    GateRun parted = new GateRun(HERE, List.of(row("linear", 1, 80, 85, 89)));
    parted.with("--gate", faster, "--baseline", base);
    assertThat(parted.exitCode).as(parted.error).isZero();
  }

  @Test
  void aBaselineAloneShowsTheChange() throws IOException {
    String base = baseline(HERE, List.of(row("linear", 1, 90, 100, 110)));
    GateRun run = new GateRun(HERE, List.of(row("linear", 1, 40, 50, 60), row("new", 1, 1, 1, 1)));
    run.with("--baseline", base);
    assertThat(run.exitCode).as(run.error).isZero();
    assertThat(run.verdicts()).hasSize(1);
    assertThat(run.verdicts().get(0)).containsEntry("change", 0.5).containsEntry("verdict", "ok");
  }

  @Test
  void withoutOptionsNothingIsSaid() {
    GateRun run = new GateRun(HERE, List.of(row("linear", 1, 40, 50, 60))).with();
    assertThat(run.exitCode).isZero();
    assertThat(run.lines()).isEmpty();
    assertThat(run.result).isEmpty();
  }

  @Test
  void aRowWithoutTheValueFails() throws IOException {
    Map<String, Object> failed = row("linear", 2, 1, 1, 1);
    failed.put("ns", null);
    GateRun run =
        new GateRun(HERE, List.of(row("linear", 1, 1, 1, 1), failed))
            .with("--gate", gates("gates: [{name: quick, metric: ns, max: 5}]"));
    assertThat(run.exitCode).isEqualTo(1);
    assertThat(run.verdicts().get(1)).containsEntry("why", "ns has no value, must have one");
  }

  private void assertWrong(String gates, String... words) throws IOException {
    List<Map<String, Object>> rows =
        List.of(row("linear", 1, 90, 100, 110), row("linear", 2, 90, 100, 110));
    GateRun run = new GateRun(HERE, rows).with("--gate", gates(gates), "--baseline", base());
    assertThat(run.exitCode).as(run.error).isEqualTo(2);
    assertThat(run.error).contains(words);
    assertThat(run.result).isEmpty();
  }

  private String base() throws IOException {
    Path path = folder.resolve("base");
    return Files.exists(path)
        ? path.toString()
        : baseline(HERE, List.of(row("linear", 1, 90, 100, 110)));
  }

  @Test
  void aGateThatJudgesNothingIsWrong() throws IOException {
    assertWrong(
        "gates:\n"
            + "- {name: all, metric: ns, min: 1}\n"
            + "- {name: none, metric: ns, where: {M: 3}, max: 1}",
        "gates.yaml, line 3: gate \"none\": no row is matched, where is {M=[3]}");
    assertWrong(
        "gates: [{name: a, metric: ms, max: 1}]",
        "no row has the metric ms; there are M, ns, ns_high");
    assertWrong("gates: [{name: a, metric: op, max: 1}]", "no row has the metric op");
    assertWrong(
        "gates: [{name: a, metric: ns, where: {N: 5}, max: 1}]", "no row has the column N", "op");
    assertWrong(
        "gates: [{name: a, metric: ns, where: {M: 2}, ratio: {max: 1}}]",
        "gate \"a\": the baseline has no row op=linear M=2");
  }

  @Test
  void aBaselineOfAnotherMachineIsRefused() throws IOException {
    List<Map<String, Object>> rows = List.of(row("linear", 1, 1, 1, 1));
    Map<String, Object> gpu = Map.of("name", "H200", "capability", "9.0");
    String base = baseline(machine("a CPU", gpu), rows);
    GateRun other = new GateRun(machine("other CPU", gpu), rows).with("--baseline", base);
    assertThat(other.exitCode).isEqualTo(2);
    assertThat(other.error)
        .contains("another CPU: a CPU (family/model/stepping 25/17/1), here is other CPU (");
    GateRun none = new GateRun(HERE, rows).with("--baseline", base);
    assertThat(none.error).contains("another GPU: H200 (compute capability 9.0), here is none");
    assertThat(new GateRun(machine("a CPU", gpu), rows).with("--baseline", base).exitCode).isZero();
  }

  @Test
  void aBaselineMustBeARunOfTheCommand() throws IOException {
    List<Map<String, Object>> rows = List.of(row("linear", 1, 1, 1, 1));
    GateRun missing = new GateRun(HERE, rows).with("--baseline", folder.toString());
    assertThat(missing.error).contains("--out-dir of an earlier run: it has no config.json");
    Path other = GateRun.store(folder.resolve("load"), "load", HERE, rows);
    GateRun load = new GateRun(HERE, rows).with("--baseline", other.toString());
    assertThat(load.error).contains("has a run of load, must be of rows");
    GateRun ratio = new GateRun(HERE, rows);
    ratio.with("--gate", gates("gates: [{name: a, metric: ns, ratio: {max: 1}}]"));
    assertThat(ratio.error).contains("\"a\" has a ratio, must be given with --baseline");
  }
}
