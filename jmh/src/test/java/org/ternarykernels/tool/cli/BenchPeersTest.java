package org.ternarykernels.tool.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.ternarykernels.tool.cli.ModelCommandsTest.assertFailure;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code bench --peer}, with the peers of src/test/native. */
class BenchPeersTest {
  private static final Path LIBRARIES = Path.of(System.getProperty("test.peers"));

  @TempDir Path folder;
  private Path shapes;

  /** A product that plain loops do faster than any call of ours, and one that they do not. */
  @BeforeEach
  void writeShapes() throws Exception {
    shapes = Files.writeString(folder.resolve("two.txt"), "2 3 tiny\n1000 1000 large\n");
  }

  private static String peer(String name) {
    return name + "=" + LIBRARIES.resolve("libpeer_" + name + ".so");
  }

  @Test
  void rowsHaveThePeersAndMarkThoseThatAreAhead() throws Exception {
    // So long that the interval leaves out a few rounds that a busy machine has disturbed.
    Path json = folder.resolve("bench.json");
    ToolRun run =
        ToolRun.of(
            "bench",
            "--shapes",
            shapes,
            "--m",
            1,
            "--threads",
            1,
            "--op",
            "linear,linear_a16",
            "--memory",
            "resident",
            "--layout",
            "i2s_tiled",
            "--seconds",
            0.5,
            "--json",
            json,
            "--peer",
            peer("right"),
            "--peer",
            peer("refusing"));
    assertThat(run.exitCode()).as(run.out() + run.err()).isZero();
    JsonNode rows = ToolRun.json(json).get("rows");
    assertThat(rows).hasSize(4);
    for (JsonNode row : rows) {
      assertThat(row.get("ratio_to_refusing").isNull()).isTrue();
      if (row.get("op").asText().equals("linear_a16")) {
        assertThat(row.get("right_what").asText()).isEqualTo("a peer computes linear alone");
        assertThat(row.get("ahead")).isEmpty();
        continue;
      }
      assertThat(row.get("right_what").asText()).isEqualTo("test peer, plain loops, 1 thread");
      assertThat(row.get("refusing_what").asText())
          .matches("refusing: K is (3|1000), must be a multiple of 1000 with 1 threads");
      double ratio = row.get("ratio_to_right").asDouble();
      assertThat(ratio)
          .isBetween(
              row.get("ratio_to_right_low").asDouble(), row.get("ratio_to_right_high").asDouble());
      boolean tiny = row.get("shape").asText().equals("two/tiny");
      assertThat(ratio < 1).as("ratio %s", ratio).isEqualTo(tiny);
      assertThat(row.get("right_ns").asDouble() < row.get("ns").asDouble()).isEqualTo(tiny);
      assertThat(names(row.get("ahead"))).isEqualTo(tiny ? List.of("right") : List.of());
    }
    assertTable(run.out());
  }

  private static void assertTable(String out) {
    String head = line(out, "op, shape");
    String tiny = line(out, "linear tiny");
    assertThat(head).matches("op, shape +M  layout +us     right  refusing .*");
    assertThat(tiny).matches("linear tiny .* \\d+\\.\\d  +0\\.\\d\\dx\\*         - .*");
    assertThat(tiny.indexOf('*')).isEqualTo(head.indexOf("right") + "right".length() - 1);
    assertThat(line(out, "linear large")).matches(".* \\d+\\.\\d  +\\d+\\.\\d\\dx         - .*");
    assertThat(out.lines()).allMatch(line -> line.length() <= 80);
    assertThat(out.replaceAll("\\R *", " ")) // sentences are broken at 80 columns
        .contains("right, refusing: the peer's time / ours.")
        .contains("is below 1 with its whole 95 % interval: 1 row.")
        .contains("No ratio on 1 row: refusing: K is 3, must be a multiple of 1000");
  }

  private static String line(String out, String begin) {
    return out.lines().filter(line -> line.startsWith(begin)).findFirst().orElseThrow();
  }

  private static List<String> names(JsonNode list) {
    return StreamSupport.stream(list.spliterator(), false).map(JsonNode::asText).toList();
  }

  @Test
  void aCrashEndsNothing() throws Exception {
    Path json = folder.resolve("bench.json");
    ToolRun run =
        ToolRun.of(
            "bench",
            "--shapes",
            shapes,
            "--m",
            "2,1",
            "--threads",
            1,
            "--op",
            "linear",
            "--memory",
            "resident",
            "--layout",
            "i2s_tiled",
            "--seconds",
            0.01,
            "--json",
            json,
            "--peer",
            peer("crashing"));
    assertThat(run.exitCode()).as(run.out() + run.err()).isZero();
    JsonNode rows = ToolRun.json(json).get("rows");
    assertThat(rows).hasSize(4);
    for (JsonNode row : rows) {
      boolean crashed = row.get("M").asInt() == 2;
      assertThat(row.get("ratio_to_crashing").isNull()).isEqualTo(crashed);
      assertThat(row.get("crashing_what").asText())
          .startsWith(crashed ? "crashing: crashed by SIGSEGV in [libpeer_" : "test peer");
      assertThat(row.get("ratio_to_f32").isNull()).isFalse();
    }
    try (var files = Files.list(Path.of(""))) {
      assertThat(files.map(Path::toString).filter(name -> name.startsWith("hs_err"))).isEmpty();
    }
  }

  /**
   * Were the peers accepted, the missing file of shapes would end the command, with another code.
   */
  private void assertRefused(List<String> peers, String... words) {
    List<Object> arguments =
        new ArrayList<>(List.of("bench", "--shapes", folder.resolve("none.txt")));
    peers.forEach(peer -> arguments.addAll(List.of("--peer", peer)));
    assertFailure(ToolRun.of(arguments.toArray()), 2, words);
  }

  @Test
  void badValuesAreOneSentence() {
    String file = LIBRARIES.resolve("libpeer_right.so").toString();
    assertRefused(List.of(file), "--peer is \"" + file, "NAME=FILE");
    assertRefused(List.of("a=no-such.so"), "\"a=no-such.so\"", "a file that is there");
    assertRefused(List.of("a="), "\"a=\"", "a file that is there");
    assertRefused(List.of("a=" + folder), "a file that is there");
    assertRefused(List.of("a_low=" + file), "letters, digits");
    assertRefused(List.of("=" + file), "letters, digits");
    for (String name : List.of("bf16", "f32", "int8", "portable", "linear", "limit")) {
      assertRefused(List.of(name + "=" + file), "a name of its own, not one of bf16");
    }
    assertRefused(List.of("a=" + file, "a=" + file), "no other --peer has");
    assertFailure(
        ToolRun.of("bench", "--device", "cuda", "--peer", "a=" + file), 2, "cpu with --peer");
  }
}
