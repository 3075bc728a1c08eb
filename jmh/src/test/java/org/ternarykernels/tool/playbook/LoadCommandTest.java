package org.ternarykernels.tool.playbook;

import static org.assertj.core.api.Assertions.assertThat;
import static org.ternarykernels.tool.cli.ModelCommandsTest.assertFailure;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.File;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.ternarykernels.tool.cli.ToolProcess;
import org.ternarykernels.tool.cli.ToolRun;

/** Users on small shapes and on real models. */
@Timeout(120)
class LoadCommandTest {
  @TempDir Path folder;
  private Path shapes;
  private Path out;

  @BeforeEach
  void writeShapes() throws Exception {
    shapes =
        Files.writeString(
            folder.resolve("small.txt"), "192 64 qkv\n64 128 o\n256 64 gate_up\n64 128 down\n");
    out = folder.resolve("out");
  }

  private Object[] load(Object... more) {
    List<Object> words = new ArrayList<>(List.of("load", "--shapes", shapes, "--layers", 2));
    words.addAll(List.of("--mix", "2x3,1x9", "--tokens", 4));
    words.addAll(List.of(more));
    if (!words.contains("--requests")) {
      words.addAll(List.of("--requests", 6));
    }
    return words.toArray();
  }

  @Test
  void everyLevelHasARowAndTheFolderHasEverything() throws Exception {
    Path json = folder.resolve("load.json");
    ToolRun run = ToolRun.of(load("--users", "1,3", "--out-dir", out, "--json", json));
    assertThat(run.exitCode()).as(run.err()).isZero();
    JsonNode result = ToolRun.json(json);
    assertThat(result.get("complete").asBoolean()).isTrue();
    assertThat(result.get("command").asText()).isEqualTo("load");
    assertThat(result.at("/stack/name").asText()).isEqualTo("small");
    assertThat(result.at("/m1/p50_ns").asLong()).isPositive();
    assertThat(result.at("/plans/plans")).isNotEmpty();
    assertThat(result.get("rows")).hasSize(2);
    for (JsonNode row : result.get("rows")) {
      assertThat(row.get("requests").asInt()).isEqualTo(6);
      assertThat(row.get("failed").asInt()).isZero();
      assertThat(row.get("tokens_per_second").asDouble())
          .isEqualTo(4 * row.get("requests_per_second").asDouble());
      assertThat(row.get("step_p50_ns").asLong())
          .isLessThanOrEqualTo(row.get("step_p99_ns").asLong());
      assertThat(row.get("ttft_p50_ns").asLong()).isLessThan(row.get("e2e_p50_ns").asLong());
    }
    assertThat(run.out().lines()).allMatch(line -> line.length() <= 80).hasSize(4);
    assertThat(Files.readAllLines(out.resolve("summary.csv"))).hasSize(3);
    assertThat(Files.readString(out.resolve("summary.txt"))).startsWith("users");
    assertThat(ToolRun.json(out.resolve("result.json")).get("rows")).isEqualTo(result.get("rows"));
    assertThat(ToolRun.json(out.resolve("config.json")).at("/options/shapes/file").asText())
        .isEqualTo("small.txt");
    assertAnonymous(out);
  }

  /** No user, host or place is told. */
  static void assertAnonymous(Path out) throws Exception {
    String user = System.getProperty("user.name");
    String host = InetAddress.getLocalHost().getHostName();
    try (Stream<Path> files = Files.walk(out)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        String text = Files.readString(file);
        assertThat(text)
            .as(file.getFileName().toString())
            .doesNotContain(System.getProperty("user.home") + "/")
            .doesNotContain("\"" + user + "\"")
            .doesNotContain("\"" + host + "\"")
            .doesNotContainPattern("[\"\\s=](/[\\w.-]+){2,}");
      }
    }
  }

  @Test
  void gatesHoldItToRulesAndToAnEarlierRun() throws Exception {
    Path rules =
        Files.writeString(
            folder.resolve("gates.yaml"),
            "gates:\n- {name: in time, metric: step_p50_ns, max: 1}\n"
                + "- {name: no slower, metric: tokens_per_second, ratio: {min: 0.000001}}\n");
    assertThat(ToolRun.of(load("--users", 1, "--out-dir", out)).exitCode()).isZero();
    Path json = folder.resolve("load.json");
    ToolRun run =
        ToolRun.of(load("--users", 1, "--gate", rules, "--baseline", out, "--json", json));
    assertThat(run.exitCode()).as(run.err()).isEqualTo(1);
    assertThat(ToolRun.json(json).get("gates").findValuesAsText("verdict"))
        .containsExactly("failed", "ok");
    Files.writeString(rules, "gates: []\n");
    assertFailure(ToolRun.of(load("--gate", rules)), 2, "gates.yaml");
  }

  @Test
  void theSameConfigHasTheSameHashWhereverItGoes() throws Exception {
    assertThat(ToolRun.of(load("--users", 1, "--out-dir", out)).exitCode()).isZero();
    Path copy = Files.copy(shapes, Files.createDirectory(folder.resolve("b")).resolve("small.txt"));
    Path other = folder.resolve("other");
    shapes = copy;
    assertThat(ToolRun.of(load("--users", 1, "--out-dir", other, "--verbose")).exitCode()).isZero();
    assertThat(ToolRun.json(other.resolve("config.json")).get("hash"))
        .isEqualTo(ToolRun.json(out.resolve("config.json")).get("hash"));
    assertFailure(
        ToolRun.of(load("--users", 2, "--out-dir", out, "--resume")), 2, "--resume", "of config");
    Files.writeString(copy, "64 64 other\n");
    assertFailure(
        ToolRun.of(load("--users", 1, "--out-dir", out, "--resume")), 2, "--resume", "of config");
  }

  @Test
  void anInterruptedRunIsGoneOnWith() throws Exception {
    Object[] arguments =
        load("--users", "1,2,3", "--requests", 100000, "--seconds", 1, "--out-dir", out);
    File err = folder.resolve("err").toFile();
    Process process = new ProcessBuilder(ToolProcess.command(arguments)).redirectError(err).start();
    Path rows = out.resolve("rows.jsonl");
    for (int i = 0; i < 600 && !Files.exists(out.resolve("result.json")); i++) {
      Thread.sleep(50);
    }
    // As Ctrl-C, which a process of a background job is told to ignore.
    new ProcessBuilder("kill", "-TERM", Long.toString(process.pid())).start().waitFor();
    assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
    List<String> said = Files.readAllLines(err.toPath());
    assertThat(said.get(said.size() - 1)).startsWith("ternary: interrupted;").contains("--resume");
    assertThat(Files.readAllLines(out.resolve("summary.csv"))).hasSize(2);
    assertThat(ToolRun.json(out.resolve("result.json")).get("complete").asBoolean()).isFalse();
    String first = Files.readAllLines(rows).get(0);
    List<Object> again = new ArrayList<>(List.of(arguments));
    again.add("--resume");
    assertThat(ToolRun.of(again.toArray()).exitCode()).isZero();
    assertThat(Files.readAllLines(rows)).hasSize(3).startsWith(first);
    assertThat(ToolRun.json(out.resolve("result.json")).get("complete").asBoolean()).isTrue();
  }

  @Test
  void aFullDiskIsNamedAndWhatWasFinishedStays() throws Exception {
    File err = folder.resolve("err").toFile();
    Process process =
        ToolProcess.shell(
            err,
            "ulimit -f 8; exec \"$@\" >/dev/null", // of 1024 bytes
            load("--users", "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16", "--out-dir", out));
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    List<String> said =
        Files.readAllLines(err.toPath()).stream().filter(line -> !line.startsWith("WARN")).toList();
    assertThat(process.exitValue()).as(said.toString()).isEqualTo(1);
    assertThat(said.get(said.size() - 1)).contains("--resume");
    assertThat(said.get(said.size() - 2)).startsWith("ternary load:");
    assertThat(Files.readAllLines(out.resolve("rows.jsonl"))).isNotEmpty();
    assertThat(Files.readAllLines(out.resolve("summary.csv"))).hasSizeGreaterThan(1);
  }

  @Test
  void realModelsWriteTextsOfManyUsers() throws Exception {
    Path json = folder.resolve("load.json");
    ToolRun run =
        ToolRun.of(
            "load",
            "--model",
            ToolRun.TEST_DATA.resolve("tiny-mangrove"),
            "--mix",
            "1x5,1x7",
            "--tokens",
            3,
            "--users",
            2,
            "--rate",
            1000,
            "--hold",
            "--batch",
            8,
            "--json",
            json);
    assertThat(run.exitCode()).as(run.err()).isZero();
    JsonNode result = ToolRun.json(json);
    assertThat(result.at("/rows/0/mode").asText()).isEqualTo("open");
    assertThat(result.at("/rows/0/requests").asInt()).isEqualTo(4);
    long sum = 0;
    for (JsonNode rows : result.get("expert_rows")) {
      sum += rows.asLong();
    }
    assertThat(sum).isPositive();
  }

  @Test
  void aTextThatIsTooLongIsAFailedRequest() throws Exception {
    ToolRun run =
        ToolRun.of(
            "load", "--model", ToolRun.MODEL, "--mix", "1x9000", "--tokens", 1, "--users", 1);
    assertThat(run.exitCode()).isEqualTo(1);
    assertThat(run.out()).contains("users");
  }

  @Test
  void wrongArgumentsAreNamed() throws Exception {
    assertFailure(ToolRun.of("load", "--users", 0), 2, "--users is 0");
    assertFailure(ToolRun.of("load", "--rate", 0), 2, "--rate is 0");
    assertFailure(ToolRun.of("load", "--mix", "64"), 2, "--mix", "WEIGHTxTOKENS");
    assertFailure(ToolRun.of("load", "--seconds", 61), 2, "--seconds is 61");
    assertFailure(ToolRun.of("load", "--tokens", 0), 2, "--tokens is 0");
    assertFailure(ToolRun.of("load", "--shapes", "nowhere"), 2, "--shapes is nowhere");
    assertFailure(ToolRun.of("load", "--resume"), 2, "--resume", "--out-dir");
    Path file = Files.writeString(folder.resolve("file"), "");
    assertFailure(ToolRun.of("load", "--out-dir", file), 2, "--out-dir is " + file, "no folder");
    assertFailure(ToolRun.of("load", "--out-dir", file.resolve("x")), 2, "--out-dir");
  }
}
