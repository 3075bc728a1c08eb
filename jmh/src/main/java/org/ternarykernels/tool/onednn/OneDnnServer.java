package org.ternarykernels.tool.onednn;

import org.ternarykernels.tool.measure.Interleaved;
import org.ternarykernels.tool.onednn.OneDnnMatmul.Types;
import org.ternarykernels.tool.problem.Shape;
import org.ternarykernels.tool.rival.RivalServer;

/** What {@link OneDnnProcess} is asked, with a fixed number of threads. */
final class OneDnnServer implements AutoCloseable {
  private final RivalServer server;

  /** Starts a process. */
  OneDnnServer(int threads) {
    this(threads, OneDnnProcess.class.getName());
  }

  /**
   * @param main class of the process; tests have others
   */
  OneDnnServer(int threads, String main) {
    server = new RivalServer("oneDNN", threads, main);
  }

  int threads() {
    return server.threads();
  }

  long pid() {
    return server.pid();
  }

  /** The weights of a layer; forgets what was prepared. */
  void layer(Shape shape, long seed) {
    server.ask("layer", shape.n(), shape.k(), seed);
  }

  /** Frees what was prepared. */
  void drop() {
    server.ask("drop");
  }

  /**
   * Prepares a product with weights of so many bytes, copies included.
   *
   * @return null, or why there is none
   */
  String prepare(Types types, int m, long bytes) {
    return server.ask("prepare", types, m, bytes).refusal();
  }

  /** What was prepared, as something that is timed: NaN once the process is gone. */
  Interleaved.Contender contender(Types types) {
    return server.contender("run", types);
  }

  /** Why it does not answer any more, or null. */
  String failure() {
    return server.failure();
  }

  @Override
  public void close() {
    server.close();
  }
}
