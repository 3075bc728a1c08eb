package org.ternarykernels.tool.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.ternarykernels.tool.bench.RowSink;
import org.ternarykernels.tool.gate.Gates;
import org.ternarykernels.tool.gate.RowIdentity;
import org.ternarykernels.tool.options.OutDirOptions;
import org.ternarykernels.tool.options.OutputOptions;
import org.ternarykernels.tool.output.Progress;
import org.ternarykernels.tool.output.ResultDocument;
import org.ternarykernels.tool.output.TextTable;

/** What {@code bench} has measured so far, and where it goes: JSON, folder, gates. */
final class BenchResults implements RowSink {
  /** The columns that say what a row is of; no bench has all of them. */
  static final RowIdentity IDENTITY =
      new RowIdentity(
          List.of(
              "benchmark",
              "op",
              "activation",
              "group",
              "shape",
              "experts",
              "slots",
              "H",
              "I",
              "alpha",
              "N",
              "K",
              "k",
              "M",
              "m",
              "routing",
              "layout",
              "isa",
              "threads",
              "memory"));

  private final OutDirOptions outDir;
  private final OutputOptions output;
  private final TextTable table;
  private final ResultDocument result;
  private final Map<String, Object> json;
  private final List<Map<String, Object>> rows;
  private final Map<String, Map<String, Object>> finished = new HashMap<>();
  private Progress progress;

  /**
   * @param command what was typed
   * @param table what is shown of the rows
   */
  BenchResults(
      String command,
      Map<String, Object> environment,
      OutDirOptions outDir,
      OutputOptions output,
      TextTable table) {
    this.outDir = outDir;
    this.output = output;
    this.table = table;
    result = new ResultDocument(command);
    json = result.json();
    rows = result.rows();
    json.put("environment", environment);
  }

  /** Begins, or goes on: rows that are there need not be measured. */
  void begin(Progress progress) throws IOException {
    this.progress = progress;
    @SuppressWarnings("unchecked")
    Map<String, Object> environment = (Map<String, Object>) json.get("environment");
    outDir.begin(environment).forEach(row -> finished.put(IDENTITY.text(row), row));
  }

  @Override
  public void next(String what) {
    progress.at(rows.size(), "now " + what);
  }

  @Override
  public Map<String, Object> finished(Map<String, Object> planned) {
    return finished.get(IDENTITY.text(planned));
  }

  @Override
  public void add(Map<String, Object> row) {
    rows.add(row);
    try {
      if (!finished.containsKey(IDENTITY.text(row))) {
        outDir.add(row);
      }
      result.update(false);
      output.writeSoFar(json);
      outDir.write(columns(), rows, table.text(), json);
    } catch (IOException e) {
      throw new UncheckedIOException(e.getMessage(), e);
    }
  }

  /**
   * Judges all rows and writes them.
   *
   * @param more members of the document; {@code complete} and {@code rows} may be among them
   * @param exitCode of what was measured
   */
  int end(Map<String, Object> more, int exitCode, Gates gates) throws IOException {
    progress.close();
    result.update(true);
    json.putAll(more);
    boolean complete = Boolean.TRUE.equals(json.get("complete"));
    try {
      return Math.max(exitCode, complete ? gates.check(rows, json) : 0);
    } finally { // a gate that cannot judge leaves what was measured
      output.write(json);
      outDir.write(columns(), rows, table.text() + gates.text(), json);
    }
  }

  int count() {
    return rows.size();
  }

  double seconds() {
    return result.seconds();
  }

  /** Of CSV: every field that is no list or object, in the order in which rows have them. */
  private List<String> columns() {
    Set<String> columns = new LinkedHashSet<>();
    for (Map<String, Object> row : rows) {
      row.forEach(
          (name, value) -> {
            if (!(value instanceof Map) && !(value instanceof List)) {
              columns.add(name);
            }
          });
    }
    return List.copyOf(columns);
  }
}
