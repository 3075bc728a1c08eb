package org.ternarykernels.tool.output;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunFolderTest {
  private static final RunConfig CONFIG =
      new RunConfig("load", Map.of("users", List.of(1, 2)), Map.of("TERNARY_MAX_ISA", "avx2"));

  @TempDir Path temporary;

  private RunFolder opened(boolean resume) throws IOException {
    RunFolder folder = new RunFolder(temporary.resolve("run"));
    folder.open(resume);
    return folder;
  }

  private JsonNode json(String name) throws IOException {
    return new ObjectMapper().readTree(temporary.resolve("run").resolve(name).toFile());
  }

  @Test
  void leavesEverythingThatWasMeasured() throws IOException {
    RunFolder folder = opened(false);
    assertThat(folder.begin(CONFIG, Map.of("jdk", "17"))).isEmpty();
    assertThat(folder.hint()).contains("--resume");
    folder.add(Map.of("users", 1, "ns", 2.5));
    folder.add(Map.of("users", 2, "ns", Double.NaN));
    folder.summary(
        List.of("users", "why"),
        List.of(Map.of("users", 1), Map.of("users", 2, "why", "a \"b\", c")),
        "table\n");
    folder.result(Map.of("complete", true));
    assertThat(folder.hint()).isEmpty();
    assertThat(json("config.json").get("hash").asText()).isEqualTo(CONFIG.hash()).hasSize(16);
    assertThat(json("environment.json").get("jdk").asText()).isEqualTo("17");
    assertThat(json("result.json").get("complete").asBoolean()).isTrue();
    assertThat(Files.readString(folder.path().resolve("summary.csv")))
        .isEqualTo("users,why\n1,\n2,\"a \"\"b\"\", c\"\n");
    assertThat(RunFolder.rows(folder.path()).get(1).get("ns").isNull()).isTrue();
  }

  @Test
  void goesOnWithWholeRowsOfTheSameConfig() throws IOException {
    RunFolder first = opened(false);
    first.begin(CONFIG, Map.of());
    first.add(Map.of("users", 1));
    Files.writeString(first.path().resolve("rows.jsonl"), "{\"us", StandardOpenOption.APPEND);
    RunFolder second = opened(true);
    assertThat(second.begin(CONFIG, Map.of())).hasSize(1);
    second.add(Map.of("users", 2));
    assertThat(RunFolder.rows(second.path()))
        .extracting(row -> row.get("users").asInt())
        .containsExactly(1, 2);
    RunConfig other = new RunConfig("load", Map.of("users", List.of(1)), Map.of());
    assertThatThrownBy(() -> opened(true).begin(other, Map.of()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(CONFIG.hash())
        .hasMessageContaining(other.hash());
  }

  @Test
  void refusesWhatItCannotServe() throws IOException {
    assertThatThrownBy(() -> opened(true)).hasMessageContaining("has no config.json");
    opened(false).begin(CONFIG, Map.of());
    assertThatThrownBy(() -> opened(false)).hasMessageContaining("--resume goes on with that");
    Path file = Files.writeString(temporary.resolve("file"), "");
    assertThatThrownBy(() -> new RunFolder(file).open(false)).hasMessage("it is no folder");
    assertThatThrownBy(() -> new RunFolder(temporary).open(false))
        .hasMessage("it is not empty, must be empty or new");
  }

  @Test
  void nothingTellsWhoseMachineItWas() throws IOException {
    RunFolder folder = opened(false);
    String home = "/home/somebody/data";
    folder.begin(
        new RunConfig("load", Map.of(), Map.of()),
        Map.of("tuning", Map.of("file", home + "/t.txt"), "list", List.of("a " + home + "/x, b")));
    folder.add(Map.of("log", home + "/log.txt"));
    folder.summary(List.of("log"), List.of(Map.of("log", home + "/log.txt")), home + "/log.txt\n");
    folder.result(Map.of("log", home + "/log.txt"));
    try (Stream<Path> files = Files.list(folder.path())) {
      for (Path file : files.toList()) {
        assertThat(Files.readString(file)).as(file.toString()).doesNotContain("somebody");
      }
    }
    assertThat(json("environment.json").at("/tuning/file").asText()).isEqualTo("t.txt");
    assertThat(json("environment.json").at("/list/0").asText()).isEqualTo("a x, b");
  }

  @Test
  void ratiosAndVersionsAreNoPaths() {
    assertThat(Anonymous.text("25/17/1, GB/s, 1 / 2, tok/s"))
        .isEqualTo("25/17/1, GB/s, 1 / 2, tok/s");
  }
}
