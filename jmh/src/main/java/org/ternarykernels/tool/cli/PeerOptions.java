package org.ternarykernels.tool.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.ternarykernels.tool.bench.BenchRow;
import org.ternarykernels.tool.options.RuntimeOptions;
import org.ternarykernels.tool.peer.Peer;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** The other implementations that a command times. */
final class PeerOptions {
  @Option(
      names = "--peer",
      paramLabel = "NAME=FILE",
      description =
          "Also time linear by another implementation: a shared library with the functions of"
              + " ternary_peer.h (jmh/doc/performance.md). May be given more than once; its columns"
              + " and fields are named NAME. A result that is wrong is not timed; a crash is a"
              + " reason in the table.")
  private List<String> values;

  @Spec(Spec.Target.MIXEE)
  private CommandSpec command;

  /** In the order of the command line. */
  List<Peer> peers() {
    List<Peer> peers = new ArrayList<>();
    for (String value : values == null ? List.<String>of() : values) {
      int equals = value.indexOf('=');
      require(equals >= 0, value, "NAME=FILE");
      String name = value.substring(0, equals);
      Path library = Path.of(value.substring(equals + 1));
      require(
          name.matches(Peer.NAME),
          value,
          "NAME=FILE with a name of letters, digits, \".\", \"+\" and \"-\"");
      require(
          !BenchRow.OWN_NAMES.contains(name),
          value,
          "NAME=FILE with a name of its own, not one of " + String.join(", ", BenchRow.OWN_NAMES));
      require(
          peers.stream().noneMatch(peer -> peer.name().equals(name)),
          value,
          "NAME=FILE with a name that no other --peer has");
      require(Files.isRegularFile(library), value, "NAME=FILE with a file that is there");
      peers.add(new Peer(name, library));
    }
    return peers;
  }

  private void require(boolean valid, String value, String rule) {
    RuntimeOptions.require(valid, command.commandLine(), "--peer", "\"" + value + "\"", rule);
  }
}
