package org.ternarykernels.tool.bench;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.function.Supplier;
import org.ternarykernels.tool.measure.Interleaved;
import org.ternarykernels.tool.rival.Rival;

/** What takes turns with the call of a case, by the names that its fields have in the row. */
final class CaseRivals implements AutoCloseable {
  /** What ran, and the one that runs; null: why not is in {@code what}. */
  private record Named(
      String name,
      boolean peer,
      String what,
      Interleaved.Contender contender,
      Supplier<String> failure) {}

  private final List<Named> rivals = new ArrayList<>();
  private final Deque<Workload> closing = new ArrayDeque<>();

  /** One of another process. */
  void add(String name, Rival rival) {
    add(name, false, rival);
  }

  /** One of another process that {@code ahead} may name. */
  void addPeer(String name, Rival rival) {
    add(name, true, rival);
  }

  private void add(String name, boolean peer, Rival rival) {
    String what = rival.present() ? rival.what() + on(rival.threads()) : rival.reason();
    rivals.add(new Named(name, peer, what, rival.contender(), rival.failure()));
  }

  /** A call of our own, which is closed with this. */
  void add(String name, String what, int threads, Workload workload) {
    closing.push(workload);
    add(name, what, threads, workload::run);
  }

  /** Calls of our own that somebody else closes. */
  void add(String name, String what, int threads, Runnable call) {
    rivals.add(
        new Named(
            name, false, what, Interleaved.on(threads, Interleaved.of(call)), () -> "it ended"));
  }

  static String on(int threads) {
    return ", " + threads + (threads == 1 ? " thread" : " threads");
  }

  /** Those that run; one that has two names takes one turn. */
  List<Interleaved.Contender> contenders() {
    return rivals.stream()
        .map(Named::contender)
        .filter(contender -> contender != null)
        .distinct()
        .toList();
  }

  /**
   * Writes the rivals' fields.
   *
   * @param nanos of {@link #contenders}, in their order
   * @param ours of the call itself
   */
  void report(RowFields row, List<double[]> nanos, double[] ours) {
    List<Interleaved.Contender> contenders = contenders();
    List<String> ahead = new ArrayList<>();
    for (Named rival : rivals) {
      double[] samples =
          rival.contender == null ? null : nanos.get(contenders.indexOf(rival.contender));
      if (samples != null && Double.isNaN(samples[samples.length - 1])) {
        row.rival(rival.name, rival.failure.get(), null, ours);
      } else if (row.rival(rival.name, rival.what, samples, ours) && rival.peer) {
        ahead.add(rival.name);
      }
    }
    row.put("ahead", ahead);
  }

  @Override
  public void close() {
    closing.forEach(Workload::close);
  }
}
