package org.ternarykernels.tool.gate;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.ternarykernels.tool.output.Screen;
import org.ternarykernels.tool.output.TextTable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

/**
 * The gates of a run, which are looked at when its rows are there. {@link GateOptions} has them.
 */
public final class Gates {
  private final CommandSpec command;
  private final String file;
  private final List<Gate> gates;
  private final BaselineRun baseline;
  private final RowIdentity identity;
  private String text = "";

  Gates(
      CommandSpec command,
      String file,
      List<Gate> gates,
      BaselineRun baseline,
      RowIdentity identity) {
    this.command = command;
    this.file = file;
    this.gates = gates;
    this.baseline = baseline;
    this.identity = identity;
  }

  /**
   * Looks at rows that will be measured: a gate must match one, and a gate on a ratio must find its
   * baseline. What is not known yet is left to {@link #check}.
   *
   * @param planned rows by the columns that say what is measured
   * @throws ParameterException if a gate can judge nothing
   */
  public void plan(List<? extends Map<String, ?>> planned) {
    for (Gate gate : gates) {
      if (identity.columns().containsAll(gate.where().keySet())) {
        boolean some = false;
        for (Map<String, ?> row : matched(gate, planned)) {
          some |= storedRow(gate, row) != null; // looks at every row: a ratio needs each
        }
        requireStored(some || !gate.onlyShows());
      }
    }
  }

  /**
   * Judges rows, prints the table, and puts {@code gates} into the result.
   *
   * @return the exit code: 0, or 1 where a gate failed
   * @throws ParameterException if a gate matches no row, or no row has its metric
   */
  public int check(List<? extends Map<String, ?>> rows, Map<String, Object> result) {
    if (gates.isEmpty()) {
      return 0;
    }
    List<GateResult> results = new ArrayList<>();
    for (Gate gate : gates) {
      requireColumns(gate, rows);
      for (Map<String, ?> row : matched(gate, rows)) {
        judge(gate, row, results);
      }
    }
    requireStored(!results.isEmpty());
    Screen screen = Screen.of(command);
    TextTable table = screen.table();
    List<Map<String, ?>> judged = new ArrayList<>();
    results.forEach(verdict -> judged.add(verdict.row()));
    new GateTable(table, screen.width())
        .print(results, baseline == null ? null : baseline.toString(), identity.differing(judged));
    text = table.text();
    result.put("gates", results.stream().map(GateResult::json).toList());
    return results.stream().anyMatch(r -> r.verdict() == GateResult.Verdict.FAILED) ? 1 : 0;
  }

  /** What {@link #check} has printed. */
  public String text() {
    return text;
  }

  private void requireStored(boolean some) {
    if (baseline != null && !some) {
      throw wrong("--baseline is " + baseline + ", which has none of these rows");
    }
  }

  private void judge(Gate gate, Map<String, ?> row, List<GateResult> results) {
    Map<String, Object> stored = storedRow(gate, row);
    Measured before = stored == null ? null : Measured.of(stored, gate.metric());
    if (before == null && !gate.ratio().isEmpty()) {
      throw wrong(gate, "the baseline has no " + gate.metric() + " of " + identity.text(row));
    }
    GateResult result = GateResult.of(gate, row, identity.text(row), before);
    if (!gate.onlyShows() || result.change() != null) {
      results.add(result);
    }
  }

  /** Null where there is none and the gate needs none. */
  private Map<String, Object> storedRow(Gate gate, Map<String, ?> row) {
    Map<String, Object> stored = baseline == null ? null : baseline.row(row);
    if (stored == null && !gate.ratio().isEmpty()) {
      throw wrong(gate, "the baseline has no row " + identity.text(row));
    }
    return stored;
  }

  private List<Map<String, ?>> matched(Gate gate, List<? extends Map<String, ?>> rows) {
    List<Map<String, ?>> matched = new ArrayList<>();
    rows.stream().filter(gate::matches).forEach(matched::add);
    if (matched.isEmpty() && !gate.onlyShows()) {
      throw wrong(gate, "no row is matched, where is " + gate.where());
    }
    return matched;
  }

  private void requireColumns(Gate gate, List<? extends Map<String, ?>> rows) {
    for (String column : gate.where().keySet()) {
      if (rows.stream().noneMatch(row -> row.containsKey(column))) {
        throw wrong(gate, "no row has the column " + column + "; there are " + names(rows, false));
      }
    }
    if (!gate.onlyShows()
        && rows.stream().allMatch(row -> Measured.of(row, gate.metric()) == null)) {
      throw wrong(
          gate, "no row has the metric " + gate.metric() + "; there are " + names(rows, true));
    }
  }

  private static String names(List<? extends Map<String, ?>> rows, boolean numbers) {
    return rows.stream()
        .flatMap(row -> row.keySet().stream().filter(n -> !numbers || Measured.of(row, n) != null))
        .collect(Collectors.toCollection(TreeSet::new))
        .stream()
        .collect(Collectors.joining(", "));
  }

  private ParameterException wrong(Gate gate, String what) {
    return wrong(file + ", line " + gate.line() + ": gate \"" + gate.name() + "\": " + what);
  }

  private ParameterException wrong(String what) {
    return new ParameterException(command.commandLine(), what);
  }
}
