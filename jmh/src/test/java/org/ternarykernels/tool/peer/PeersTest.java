package org.ternarykernels.tool.peer;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ternarykernels.tool.problem.Shape;
import org.ternarykernels.tool.rival.Rival;

/** Peers of src/test/native, one for each thing that can go wrong. */
class PeersTest {
  private static final Path LIBRARIES = Path.of(System.getProperty("test.peers"));
  private static final Shape SMALL = new Shape(64, 96, "small");

  @TempDir Path folder;

  private static Peers peers(String name) {
    return new Peers(List.of(new Peer(name, LIBRARIES.resolve("libpeer_" + name + ".so"))));
  }

  private static PeerProblem problem(int m, long weightBytes) {
    return new PeerProblem(SMALL, 1, m, 2, weightBytes);
  }

  private static Rival rival(Peers peers, PeerProblem problem) {
    return peers.rivals(problem, 2).get(peers.names().get(0));
  }

  private static String refusal(String name, int m, long weightBytes) {
    try (Peers peers = peers(name)) {
      Rival rival = rival(peers, problem(m, weightBytes));
      assertThat(rival.present()).as(rival.what()).isFalse();
      return rival.reason();
    }
  }

  @Test
  void aRightOneIsReady() {
    try (Peers peers = peers("right")) {
      for (int m : new int[] {1, 7}) {
        for (long bytes : new long[] {0, 5 * 64 * 96 / 4}) {
          Rival rival = rival(peers, problem(m, bytes));
          assertThat(rival.reason()).isNull();
          assertThat(rival.what()).isEqualTo("test peer, plain loops");
          assertThat(rival.threads()).isEqualTo(2);
          assertThat(rival.contender().threads()).isEqualTo(2);
          assertThat(rival.contender().slice(100_000)).isBetween(1e3, 1e8);
          assertThat(rival(peers, problem(m, bytes))).as("kept").isSameAs(rival);
          assertThat(rival.failure().get()).isNull();
        }
      }
    }
  }

  @Test
  void aWrongResultIsNotTimed() {
    assertThat(refusal("wrong", 3, 0))
        .startsWith("wrong: wrong result, not timed: row 2, column 63 is ")
        .contains(": off by 1.0");
    assertThat(refusal("copying", 1, 3 * 64 * 96 / 4))
        .startsWith("copying: wrong result, not timed: row 0 by copy 2 of the weights, column 0");
    try (Peers peers = peers("copying")) {
      assertThat(rival(peers, problem(1, 2 * 64 * 96 / 4)).reason())
          .as("two copies were asked for, and only the third is wrong")
          .isNull();
    }
  }

  @Test
  void aLibraryThatDoesNotLoadIsAReason() throws Exception {
    assertThat(refusal("incomplete", 1, 0))
        .startsWith("incomplete: ")
        .endsWith("libpeer_incomplete.so has no ternary_peer_run");
    Path text = Files.writeString(folder.resolve("a peer.txt"), "no library");
    try (Peers peers = new Peers(List.of(new Peer("text", text)))) {
      for (int m = 1; m < 3; m++) {
        assertThat(rival(peers, problem(m, 0)).reason())
            .startsWith("text: does not load: ")
            .contains("a peer.txt");
      }
    }
  }

  @Test
  void aRefusalHasThePeersReason() {
    assertThat(refusal("refusing", 1, 0))
        .isEqualTo("refusing: K is 96, must be a multiple of 1000 with 2 threads");
    try (Peers peers = peers("rowwise")) {
      assertThat(rival(peers, problem(1, 0)).reason()).isNull();
      assertThat(rival(peers, problem(2, 0)).reason()).isEqualTo("rowwise: M is 2, must be 1");
      assertThat(rival(peers, problem(1, 0)).contender().slice(1)).isPositive();
    }
  }

  @Test
  void aCrashIsAReasonAndTheNextProblemIsTried() {
    try (Peers peers = peers("crashing")) {
      for (int time = 0; time < 2; time++) {
        Rival rival = rival(peers, problem(1, 0));
        assertThat(rival.reason()).isNull();
        assertThat(rival.contender().slice(1)).isPositive();
        Rival crashed = rival(peers, problem(2, 0));
        assertThat(crashed.reason())
            .startsWith("crashing: crashed by SIGSEGV in [libpeer_crashing.so+")
            .contains("ternary_peer_run");
      }
      assertThat(rival(peers, problem(3, 0)).reason()).startsWith("crashing: crashed by SIGSEGV");
      assertThat(rival(peers, problem(1, 0)).reason())
          .as("three processes are enough")
          .startsWith("crashing: crashed by SIGSEGV");
    }
  }
}
