package org.ternarykernels.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ternarykernels.Mutation;
import org.ternarykernels.storage.SpecialFiles;

class ModelConfigTest {
  @TempDir Path folder;

  private static ModelConfig parse(String json) {
    return ModelConfig.parse(json.getBytes(StandardCharsets.UTF_8));
  }

  private static String refusal(String json) {
    IllegalArgumentException e =
        catchThrowableOfType(IllegalArgumentException.class, () -> parse(json));
    assertThat(e).isNotNull();
    assertThat(e.getMessage()).hasSizeLessThan(400);
    return e.getMessage();
  }

  @Test
  void namesWhatHasAValue() {
    ModelConfig config =
        parse(
            "\ufeff{\"a\":1,\"none\":null,\"o\":{\"b\":true,\"deep\":{\"c\":\"x\"},\"empty\":{}},"
                + "\"list\":[1,{\"d\":[2]}],\"nothing\":[]} ");
    assertThat(config.names()).containsExactly("a", "o.b", "o.deep.c", "list");
    assertThat(config.text("o.deep.c")).isEqualTo("x");
    assertThat(config.find("none")).isNull();
    assertThatThrownBy(() -> config.text("list")).hasMessageContaining("list of config.json is");
    assertThatThrownBy(() -> config.text("nothing")).hasMessageContaining("no value nothing");
  }

  @Test
  void leavesOutWhatIsIgnoredWithAllThatIsNestedInIt() throws IOException {
    Path file =
        Files.writeString(
            folder.resolve("config.json"), "{\"a\":1,\"o\":{\"b\":1,\"p\":{\"c\":1}},\"ob\":2}");
    assertThat(ModelConfig.read(file, Set.of("o")).names()).containsExactly("a", "ob");
    assertThat(ModelConfig.read(file, Set.of("o.p", "x")).names())
        .containsExactly("a", "o.b", "ob");
  }

  /** Python's json module writes these. */
  @Test
  void takesNumbersThatAreNotFiniteWhereNobodyNeedsThem() {
    ModelConfig config =
        parse("{\"a\":NaN,\"b\":[0.0,Infinity],\"c\":-Infinity,\"d\":1e400,\"e\":2.5}");
    assertThat(config.number("e")).isEqualTo(2.5);
    for (String[] bad : new String[][] {{"a", "NaN"}, {"c", "-Infinity"}, {"d", "1e400"}}) {
      assertThatThrownBy(() -> config.number(bad[0]))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage(bad[0] + " of config.json is \"" + bad[1] + "\", must be a finite number");
      assertThatThrownBy(() -> config.wholeNumber(bad[0]))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContainingAll(bad[0], bad[1], "whole number");
    }
  }

  @Test
  void limitsDepthAndNames() {
    String open = "{\"a\":";
    assertThat(parse(open.repeat(16) + "1" + "}".repeat(16)).names()).hasSize(1);
    assertThat(refusal(open.repeat(17) + "1" + "}".repeat(17))).contains("16 deep");
    assertThat(parse("{\"a\":" + "[".repeat(15) + "]".repeat(15) + "}").names()).hasSize(1);
    assertThat(refusal("{\"a\":" + "[".repeat(16) + "]".repeat(16) + "}")).contains("16 deep");
    assertThat(refusal("{\"a\":" + "[".repeat(1 << 20))).contains("16 deep");
    assertThat(parse("{\"" + "n".repeat(256) + "\":1}").names()).hasSize(1);
    assertThat(refusal("{\"" + "n".repeat(257) + "\":1}")).contains("longer than 256");
    assertThat(refusal("{\"a\":{\"" + "n".repeat(255) + "\":1}}")).contains("longer than 256");
    String level = "{\"" + "n".repeat(5000) + "\":";
    assertThat(refusal(level.repeat(900) + "1" + "}".repeat(900))).contains("longer than 256");
    assertThat(refusal("{\"a\":\"" + "x".repeat(1 << 20))).contains("JSON");
  }

  @Test
  void refusesWhatIsNoObjectAlone() {
    assertThat(refusal("")).contains("no JSON object");
    assertThat(refusal("[]")).contains("no JSON object");
    assertThat(refusal("{}{}")).contains("more");
    assertThat(refusal("{}x")).contains("JSON");
    assertThat(refusal("{\"a\":1,\"a\":2}")).contains("Duplicate");
  }

  @Test
  void refusesFilesThatAreNone() throws Exception {
    Path missing = folder.resolve("missing");
    assertThatThrownBy(() -> ModelConfig.read(missing, Set.of()))
        .isInstanceOf(UncheckedIOException.class)
        .hasMessageContaining(missing.toString());
    for (Path special : new Path[] {folder, SpecialFiles.fifo(folder)}) {
      assertThatThrownBy(() -> ModelConfig.read(special, Set.of()))
          .isInstanceOf(UncheckedIOException.class)
          .hasMessageContainingAll(special.toString(), "regular file");
    }
    Path large = folder.resolve("large");
    byte[] spaces = " ".repeat(ModelConfig.MAX_BYTES + 1).getBytes(StandardCharsets.US_ASCII);
    Files.write(large, spaces);
    assertThatThrownBy(() -> ModelConfig.read(large, Set.of()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll(large.toString(), "16777216");
  }

  /** Mutants of a published model's values are read, or refused in one short sentence. */
  @Test
  void survivesMutation() throws IOException {
    Path model = Path.of(System.getProperty("test.data"), "tiny-bitnet", "config.json");
    byte[] good = Files.readAllBytes(model);
    Random random = new Random(11);
    int read = 0;
    int rounds = 5_000;
    for (int i = 0; i < rounds; i++) {
      byte[] mutant = Mutation.of(random, good);
      try {
        ModelConfig config = ModelConfig.parse(mutant);
        for (String name : config.names()) {
          useAs(config, name);
        }
        read++;
      } catch (IllegalArgumentException e) {
        assertThat(e.getMessage()).hasSizeBetween(1, 400);
      }
    }
    assertThat(read).isBetween(rounds / 100, rounds - rounds / 100);
  }

  private static void useAs(ModelConfig config, String name) {
    for (Runnable use :
        new Runnable[] {
          () -> config.wholeNumber(name), () -> config.number(name), () -> config.text(name)
        }) {
      try {
        use.run();
      } catch (IllegalArgumentException e) {
        assertThat(e.getMessage()).hasSizeBetween(1, 700); // a name has up to 256 characters
      }
    }
  }
}
