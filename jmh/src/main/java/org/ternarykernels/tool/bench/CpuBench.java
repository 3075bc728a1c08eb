package org.ternarykernels.tool.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.ternarykernels.tool.measure.Machine;
import org.ternarykernels.tool.onednn.Baseline;
import org.ternarykernels.tool.output.TextTable;
import org.ternarykernels.tool.peer.Peer;
import org.ternarykernels.tool.peer.Peers;

/** Calls of one matrix beside the machine's limits, oneDNN, the portable kernel and peers. */
public final class CpuBench implements RowBench {
  private static final long SLICE_NANOS = 4_000_000;

  private final TextTable screen;
  private final Machine machine;
  private final List<BenchCase> cases;
  private final List<Peer> given;
  private final double seconds;

  /**
   * @param given other implementations that take turns
   * @param seconds for the measurements of each row
   */
  public CpuBench(
      TextTable screen, Machine machine, List<BenchCase> cases, List<Peer> given, double seconds) {
    this.screen = screen;
    this.machine = machine;
    this.cases = cases;
    this.given = given;
    this.seconds = seconds;
  }

  @Override
  public List<Map<String, Object>> planned() {
    return cases.stream().map(of -> BenchRow.begin(of).json()).toList();
  }

  @Override
  public boolean run(RowSink sink) {
    int most = cases.stream().mapToInt(BenchCase::threads).max().orElse(1);
    List<BenchRow> rows = new ArrayList<>();
    BenchTable table;
    try (Baseline baseline = new Baseline(most, true);
        Peers peers = new Peers(given);
        BenchTrial trial =
            new BenchTrial(machine, baseline, peers, SLICE_NANOS, (long) (seconds * 1e9))) {
      table = new BenchTable(screen, cases, peers.names());
      table.head();
      for (BenchCase of : cases) {
        sink.next(of.toString());
        BenchRow row = row(of, trial, sink);
        rows.add(row);
        table.line(row);
        sink.add(row.json());
      }
    }
    table.notes(rows);
    return rows.stream().noneMatch(row -> row.json().containsKey("error"));
  }

  private static BenchRow row(BenchCase of, BenchTrial trial, RowSink sink) {
    BenchRow begun = BenchRow.begin(of);
    Map<String, Object> finished = sink.finished(begun.json());
    if (finished != null) {
      finished.forEach(begun::put);
      return begun;
    }
    try {
      return trial.run(of);
    } catch (IllegalStateException e) { // a wrong result; the others are still of interest
      begun.put("error", e.getMessage());
      return begun;
    }
  }
}
