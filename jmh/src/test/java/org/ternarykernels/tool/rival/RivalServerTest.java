package org.ternarykernels.tool.rival;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import org.junit.jupiter.api.Test;

class RivalServerTest {
  /** Does what it is asked, in odd ways. */
  static final class OddProcess {
    public static void main(String[] arguments) throws IOException {
      RivalAnswers.serve(
          words -> {
            switch (words[0]) {
              case "echo":
                System.out.print("a line that does not end"); // as native code's may
                return arguments[0] + "\n" + words[1];
              case "run":
                return words[1].equals("no") ? RivalAnswers.no("not now") : words[2];
              case "die":
                System.out.println("librival.so.3: the end");
                System.exit(3);
                return "";
              case "leave":
                Runtime.getRuntime().halt(4);
                return "";
              default:
                return RivalAnswers.no("no such thing: " + words[0]);
            }
          });
    }
  }

  private static RivalServer server(String... arguments) {
    return new RivalServer("rival", 2, OddProcess.class.getName(), arguments);
  }

  @Test
  void answersAreTextsOrRefusals() {
    try (RivalServer server = server("a b")) {
      assertThat(server.ask("echo", 7)).isEqualTo(new RivalServer.Answer("a b 7", null));
      assertThat(server.ask("sing")).isEqualTo(new RivalServer.Answer(null, "no such thing: sing"));
      assertThat(server.contender("run", "yes").slice(12)).isEqualTo(12);
      assertThat(server.contender("run", "yes").threads()).isEqualTo(2);
      assertThat(server.failure()).isNull();
    }
  }

  @Test
  void aProcessThatDiesIsAReason() {
    try (RivalServer server = server("x")) {
      RivalServer.Answer end = new RivalServer.Answer(null, "rival: librival.so.3: the end");
      assertThat(server.ask("die")).isEqualTo(end);
      assertThat(server.failure()).isEqualTo(end.refusal());
      assertThat(server.ask("echo", 1)).as("it stays so").isEqualTo(end);
      assertThat(server.contender("run", "yes").slice(1)).isNaN();
    }
    try (RivalServer server = server("x")) {
      assertThat(server.ask("leave").refusal())
          .isEqualTo("rival: its process said nothing and ended with exit code 4");
    }
    try (RivalServer server = new RivalServer("rival", 1, "no.such.Class")) {
      assertThat(server.ask("echo", 1).refusal()).startsWith("rival: ").contains("no.such.Class");
    }
  }

  @Test
  void aContenderThatRefusesIsOneThatDied() {
    try (RivalServer server = server("x")) {
      assertThat(server.contender("run", "no").slice(1)).isNaN();
      assertThat(server.failure()).isEqualTo("rival: not now");
    }
  }

  @Test
  void ofACrashTheSignalAndTheFunctionAreSaid() {
    LastWords words = new LastWords();
    words.add("loading");
    assertThat(words.sentence(1)).isEqualTo("loading");
    for (String line :
        new String[] {
          "#",
          "# A fatal error has been detected by the Java Runtime Environment:",
          "#  SIGSEGV (0xb) at pc=0x00007f1c2a9fe3a1, pid=12, tid=13",
          "# Problematic frame:",
          "# C  [librival.so+0x3a1]  ternary_peer_run+0x11",
          "# If you would like to submit a bug report, please visit:"
        }) {
      words.add(line);
    }
    assertThat(words.sentence(134))
        .isEqualTo("crashed by SIGSEGV in [librival.so+0x3a1] ternary_peer_run+0x11");
  }
}
