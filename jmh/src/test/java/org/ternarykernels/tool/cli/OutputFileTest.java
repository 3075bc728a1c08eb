package org.ternarykernels.tool.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.ternarykernels.tool.cli.ModelCommandsTest.assertFailure;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.ternarykernels.io.SafetensorsFile;
import org.ternarykernels.io.SafetensorsWriter;

/** {@code --json} and {@code --out} of the commands, wherever they lead. */
@Timeout(60)
class OutputFileTest {
  private static final String MODEL = " --model " + ToolRun.MODEL;

  @TempDir Path folder;

  private static ToolRun run(String command, Object... more) {
    List<Object> words = new ArrayList<>(List.of(command.split(" ")));
    words.addAll(List.of(more));
    return ToolRun.of(words.toArray());
  }

  private Path fifo() throws Exception {
    Path fifo = folder.resolve("fifo");
    assertThat(new ProcessBuilder("mkfifo", fifo.toString()).start().waitFor()).isZero();
    return fifo;
  }

  /** What somebody reads who waits for the FIFO. */
  private static CompletableFuture<byte[]> reader(Path fifo) {
    return CompletableFuture.supplyAsync(
        () -> {
          try {
            return Files.readAllBytes(fifo);
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        });
  }

  private void assertIsFifo(Path fifo) throws IOException {
    assertThat(Files.readAttributes(fifo, "isOther", LinkOption.NOFOLLOW_LINKS))
        .containsEntry("isOther", true);
    assertThat(folder).isDirectoryNotContaining("glob:**.tmp");
  }

  private Path operands() {
    Path in = folder.resolve("in.safetensors");
    new SafetensorsWriter().put("w", new float[] {1, -1, 0.1f}, 1, 3).write(in);
    return in;
  }

  /** Some of these commands take minutes, all of them more than the test may. */
  private void assertRefusedAtOnce(String option, String command) {
    String missing = folder.resolve("none/x").toString();
    assertFailure(run(command, option, missing), 2, option, missing, "there is no folder");
    assertFailure(run(command, option, folder), 2, option, folder.toString(), "is a folder");
    assertThat(folder).isDirectoryNotContaining("glob:**.tmp");
  }

  @Test
  void anOutputThatCannotBeWrittenIsWrongUsage() {
    assertRefusedAtOnce("--json", "info");
  }

  @ParameterizedTest
  @ValueSource(strings = {"quickstart", "verify", "bench", "bench --device cuda", "tune"})
  void workIsNotBegunForAnOutputThatCannotBeWritten(String command) {
    assertRefusedAtOnce("--json", command);
  }

  @Test
  void soItIsForCommandsWithInputsAndForOut() {
    assertRefusedAtOnce("--out", "tune");
    assertRefusedAtOnce("--out", "run --op ternarise --in missing.safetensors");
    assertRefusedAtOnce("--json", "run --op ternarise --in missing.safetensors --out x");
    assertRefusedAtOnce("--json", "decode --prompt a --tokens 1" + MODEL);
    assertRefusedAtOnce("--json", "perplexity --text " + ToolRun.MODEL.resolve("text.txt") + MODEL);
    assertThat(Path.of("x")).doesNotExist();
  }

  @Test
  void helpTriesNothing() {
    ToolRun help = run("tune --help --out", folder.resolve("none/x"));
    assertThat(help.exitCode()).isZero();
    assertThat(help.out()).contains("--out");
  }

  @Test
  void aFileKeepsItsModeAndALink() throws IOException {
    Path file = Files.writeString(folder.resolve("real"), "old");
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
    Path link = Files.createSymbolicLink(folder.resolve("link"), Path.of("real"));
    assertThat(run("info --json", link).exitCode()).isZero();
    assertThat(link).isSymbolicLink();
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
        .isEqualTo("rw-------");
    assertThat(ToolRun.json(file).has("kernels")).isTrue();
  }

  @Test
  void aFifoIsWrittenTo() throws Exception {
    Path fifo = fifo();
    CompletableFuture<byte[]> reader = reader(fifo);
    ToolRun run = run("info --json", fifo);
    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(new ObjectMapper().readTree(reader.get(10, TimeUnit.SECONDS)).has("kernels"))
        .isTrue();
    assertIsFifo(fifo);
  }

  @Test
  void tensorsAreWrittenToAFifoToo() throws Exception {
    Path fifo = fifo();
    CompletableFuture<byte[]> reader = reader(fifo);
    ToolRun run = run("run --op ternarise --in " + operands(), "--out", fifo);
    assertThat(run.exitCode()).as(run.err()).isZero();
    Path copy = Files.write(folder.resolve("copy"), reader.get(10, TimeUnit.SECONDS));
    try (SafetensorsFile file = SafetensorsFile.open(copy)) {
      assertThat(file.tensor("w").toBytes()).containsExactly(1, -1, 0);
    }
    assertIsFifo(fifo);
  }

  @Test
  void aFifoThatNobodyReadsIsRefused() throws Exception {
    Path fifo = fifo();
    assertFailure(run("info --json", fifo), 2, "--json", fifo.toString(), "nobody reads");
    assertIsFifo(fifo);
  }

  @Test
  void aResultThatGrowsIsWrittenToAFifoOnce() throws Exception {
    Path fifo = fifo();
    CompletableFuture<byte[]> reader = reader(fifo);
    Path shapes = Files.writeString(folder.resolve("shapes.txt"), "64 64 a\n64 128 b\n");
    ToolRun run =
        run(
            "bench --m 1 --threads 1 --op linear --layout i2s_tiled --memory resident"
                + " --seconds 0.01 --isa portable --shapes",
            shapes,
            "--json",
            fifo);
    assertThat(run.exitCode()).as(run.err()).isZero();
    String text = new String(reader.get(10, TimeUnit.SECONDS), StandardCharsets.UTF_8);
    assertThat(text).containsOnlyOnce("\"environment\"");
    assertThat(new ObjectMapper().readTree(text).get("rows")).hasSize(2);
  }

  @Test
  void oneFileDoesNotTakeTwoOutputs() {
    Path same = folder.resolve("same");
    assertFailure(
        run("run --op ternarise --in " + operands() + " --out", same, "--json", same),
        2,
        same.toString(),
        "a file of its own");
    assertThat(same).doesNotExist();
  }

  /**
   * As a shell's redirection of a command that is given /dev/stdout, but by a link that is ours.
   */
  @Test
  void standardOutputGoesOnWhereThePrintedTextEnds() throws Exception {
    Path output = Files.createSymbolicLink(folder.resolve("stdout"), Path.of("/proc/self/fd/1"));
    File said = folder.resolve("said").toFile();
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty(
                    "surefire.test.class.path", System.getProperty("java.class.path")),
                Ternary.class.getName(),
                "info",
                "--json",
                output.toString())
            .redirectOutput(said)
            .redirectError(folder.resolve("errors").toFile())
            .start();
    assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
    assertThat(folder.resolve("errors")).isEmptyFile();
    String text = Files.readString(said.toPath());
    assertThat(text).startsWith("version ").doesNotContain("\0");
    String json = text.substring(text.indexOf("\n{") + 1);
    assertThat(new ObjectMapper().readTree(json).has("kernels")).isTrue();
    assertThat(output).isSymbolicLink();
  }

  @Test
  void aPromptMayBeginWithAnAtSign() throws IOException {
    Path words = Files.writeString(folder.resolve("words"), "x --tokens 3");
    ToolRun run = run("decode --tokens 2" + MODEL + " --prompt", "@" + words);
    assertThat(run.err()).isEmpty();
    assertThat(run.exitCode()).isZero();
    assertThat(run.out()).startsWith("@" + words);
  }
}
