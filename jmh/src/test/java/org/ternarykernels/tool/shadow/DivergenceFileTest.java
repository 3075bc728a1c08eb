package org.ternarykernels.tool.shadow;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ternarykernels.tool.output.Json;

class DivergenceFileTest {
  /** The line that the manual shows. */
  private static final String LINE =
      "{\"op\":\"linear\",\"M\":3,\"N\":40,\"K\":200,\"activation\":\"A8\",\"layout\":\"i2s_tiled\","
          + "\"path\":\"linear.gemm_a8_i2s.cpu.avx2\",\"by\":\"oracle\",\"worst_row\":1,"
          + "\"max_abs\":64,\"max_rel\":1.5,\"different\":1,\"elements\":120}";

  @TempDir Path folder;

  private DivergenceFile read(String text) throws Exception {
    return DivergenceFile.read(Files.writeString(folder.resolve("d.jsonl"), text));
  }

  @Test
  void aLineIsReadAndWrittenAlike() throws Exception {
    DivergenceFile file = read(LINE + "\n\n" + LINE.replace("1.5", "null").replace("64", "null"));
    assertThat(file.malformed()).isEmpty();
    assertThat(file.rows()).hasSize(2);
    assertThat(Json.line(file.rows().get(0).json())).isEqualTo(LINE.replace("64", "64.0"));
    assertThat(file.rows().get(1).maxAbs()).isNull();
    assertThat(file.rows().get(1).badness()).isInfinite();
  }

  @Test
  void malformedLinesAreNamedAndTheRestIsRead() throws Exception {
    String text =
        String.join(
            "\n",
            LINE.substring(0, 30),
            LINE,
            "[1]",
            LINE.replace("\"by\":\"oracle\",", ""),
            LINE.replace("\"M\":3", "\"M\":\"3\""),
            LINE.replace("120", "-1"),
            LINE.replace("1.5", "\"much\""),
            LINE + LINE);
    DivergenceFile file = read(text);
    assertThat(file.rows()).hasSize(1);
    Path name = folder.resolve("d.jsonl");
    assertThat(file.malformed()).hasSize(7).allMatch(line -> line.startsWith(name + ", line "));
    assertThat(file.malformed().get(0)).startsWith(name + ", line 1: it is no JSON: ");
    assertThat(file.malformed().subList(1, 6))
        .containsExactly(
            name + ", line 3: it is no JSON object",
            name + ", line 4: it has no by",
            name + ", line 5: M is \"3\", must be a whole number from 0 on",
            name + ", line 6: elements is -1, must be a whole number from 0 on",
            name + ", line 7: max_rel is \"much\", must be a number from 0 on or null");
    assertThat(file.malformed().get(6)).startsWith(name + ", line 8: it is no JSON: ");
  }
}
