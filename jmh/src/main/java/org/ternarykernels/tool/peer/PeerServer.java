package org.ternarykernels.tool.peer;

import org.ternarykernels.tool.rival.Rival;
import org.ternarykernels.tool.rival.RivalServer;

/**
 * A peer with a number of threads, in a process. One that dies is started again for the next
 * problem, which it may be able to do, but not for ever.
 */
final class PeerServer implements AutoCloseable {
  private static final int MOST_STARTS = 3;

  private final Peer peer;
  private final int threads;
  private RivalServer server;
  private int starts;
  private String description;
  private PeerProblem problem;
  private Rival rival;

  PeerServer(Peer peer, int threads) {
    this.peer = peer;
    this.threads = threads;
  }

  /** The peer's product, ready until another one is asked for. */
  Rival rival(PeerProblem wanted) {
    if (!wanted.equals(problem)) {
      problem = wanted;
      rival = prepare();
    }
    return rival;
  }

  private Rival prepare() {
    if (server == null || server.failure() != null && starts < MOST_STARTS) {
      start();
    }
    if (description == null) {
      return rival; // it does not load
    }
    String reason =
        server
            .ask(
                "prepare",
                problem.shape().n(),
                problem.shape().k(),
                problem.weightSeed(),
                problem.weightBytes(),
                problem.m(),
                problem.rowSeed())
            .refusal();
    return reason == null
        ? new Rival(description, threads, null, server.contender("run"), server::failure)
        : missing(reason);
  }

  private void start() {
    close();
    starts++;
    server =
        new RivalServer(
            peer.name(),
            threads,
            PeerProcess.class.getName(),
            peer.library().toAbsolutePath().toString(),
            Integer.toString(threads));
    RivalServer.Answer answer = server.ask("describe");
    description = answer.text();
    if (description == null) {
      rival = missing(answer.refusal());
    }
  }

  /** What ended the process has the name already. */
  private Rival missing(String reason) {
    return Rival.missing(server.failure() == null ? peer.name() + ": " + reason : reason);
  }

  @Override
  public void close() {
    if (server != null) {
      server.close();
    }
  }
}
