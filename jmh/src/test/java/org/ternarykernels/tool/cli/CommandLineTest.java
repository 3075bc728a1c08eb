package org.ternarykernels.tool.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.ternarykernels.tool.cli.ModelCommandsTest.assertFailure;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;

/** What all commands have in common. */
@Timeout(60)
class CommandLineTest {
  @TempDir Path folder;

  private static String read(Process process) throws Exception {
    String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
    return text;
  }

  @Test
  void aMistypedNameGetsASuggestion() {
    assertFailure(ToolRun.of("benhc"), 2, "benhc", "did you mean", "bench");
    assertFailure(ToolRun.of("info", "--jsno", "x"), 2, "--jsno", "did you mean --json?");
  }

  @Test
  void withJsonOnStandardOutputItCarriesJsonAlone() throws Exception {
    ToolRun run = ToolRun.of("info", "--json", "-");
    assertThat(run.exitCode()).isZero();
    assertThat(new ObjectMapper().readTree(run.out()).get("kernels")).isNotEmpty();
    assertThat(run.err()).contains("avx2");
    assertThat(folder.resolve("-")).doesNotExist();
  }

  @Test
  void theScriptOfCompletionCompletesInBash() throws Exception {
    Path script = Files.writeString(folder.resolve("c.sh"), ToolRun.of("completion").out());
    String complete =
        "source "
            + script
            + "; COMP_WORDS=(ternary '%s'); COMP_CWORD=1; _complete_ternary; echo ${COMPREPLY[@]}";
    Process process =
        new ProcessBuilder("bash", "-c", String.format(complete, "per"))
            .redirectErrorStream(true)
            .start();
    assertThat(read(process).strip()).isEqualTo("perplexity");
  }

  @Test
  void theManualPageHasEveryCommandAndOption() throws Exception {
    ToolRun run = ToolRun.of("man-page");
    String plain = run.out().replace("\\-", "-").replace("\\e", "\\");
    CommandLine all = Ternary.commandLine();
    for (CommandLine command : all.getSubcommands().values()) {
      assertThat(plain).contains(".SS \"ternary " + command.getCommandName() + "\"\n");
      for (OptionSpec option : command.getCommandSpec().options()) {
        assertThat(plain).contains(String.join(", ", option.names()));
      }
    }
    assertThat(plain).contains("1 a failure that was measured or met").doesNotContain("${");
    assertThat(run.out().lines().filter(line -> line.startsWith(".")))
        .allMatch(line -> line.matches("\\.(TH|SH|SS|TP|B|br)( .*)?"));
  }

  @Test
  void aReaderThatHasSeenEnoughEndsItQuietly() throws Exception {
    File err = folder.resolve("err").toFile();
    Process process = ToolProcess.shell(err, "\"$@\" | head -1; echo ${PIPESTATUS[0]}", "man-page");
    assertThat(read(process)).matches("(?s)\\.TH .*\\n(0|141)\\n");
    assertThat(Files.readString(err.toPath())).isEmpty();
  }
}
