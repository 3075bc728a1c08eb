package org.ternarykernels.tool.peer;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.ternarykernels.tool.rival.Rival;

/** The peers of a benchmark. Their processes start when they are first needed. */
public final class Peers implements AutoCloseable {
  private record Key(Peer peer, int threads) {}

  private final List<Peer> peers;
  private final Map<Key, PeerServer> servers = new LinkedHashMap<>();

  public Peers(List<Peer> peers) {
    this.peers = peers;
  }

  /** Their names, in the order of the command line. */
  public List<String> names() {
    return peers.stream().map(Peer::name).toList();
  }

  /** The product of each peer, or why it has none, by name. They stay ready until the next call. */
  public Map<String, Rival> rivals(PeerProblem problem, int threads) {
    Map<String, Rival> rivals = new LinkedHashMap<>();
    for (Peer peer : peers) {
      PeerServer server =
          servers.computeIfAbsent(
              new Key(peer, threads), key -> new PeerServer(key.peer, key.threads));
      rivals.put(peer.name(), server.rival(problem));
    }
    return rivals;
  }

  @Override
  public void close() {
    servers.values().forEach(PeerServer::close);
  }
}
