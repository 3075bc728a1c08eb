package org.ternarykernels.tool.stack;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ternarykernels.TernaryRuntime;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

class StackOptionsTest {
  @TempDir Path folder;

  /** A command that has them. */
  @Command(name = "steps")
  static final class Steps {
    @Mixin private StackOptions stack;
  }

  private static Stack open(TernaryRuntime runtime, Object... words) throws IOException {
    Steps steps = new Steps();
    String[] text = new String[words.length];
    for (int i = 0; i < text.length; i++) {
      text[i] = words[i].toString();
    }
    new CommandLine(steps).setCaseInsensitiveEnumValuesAllowed(true).parseArgs(text);
    return steps.stack.open(runtime);
  }

  private static void assertRefused(String sentence, ThrowingCallable call) {
    assertThatThrownBy(call)
        .isInstanceOf(CommandLine.ParameterException.class)
        .hasMessageContaining(sentence);
  }

  @Test
  void filesOfTheUsersOwnMakeAStack() throws Exception {
    Path shapes = Files.writeString(folder.resolve("mine.txt"), "96 64 qkv\n64 32 o\n");
    Path sizes =
        Files.writeString(
            folder.resolve("mine.yaml"),
            "{layers: 2, kv_heads: 1, head_dim: 32, context: 50, alpha: row}");
    try (TernaryRuntime runtime = TernaryRuntime.create();
        Stack stack = open(runtime, "--shapes", shapes, "--sizes", sizes, "--layout", "t5_tiled");
        Stack model =
            open(runtime, "--model", Path.of(System.getProperty("test.data"), "tiny-bitnet"))) {
      assertThat(stack.name()).isEqualTo("mine");
      assertThat(stack.sizes().kvBytesOfToken()).isEqualTo(2 * 2 * 32 * 2);
      assertThat(stack.mostRows()).isEqualTo(64);
      assertThat(model.name()).isEqualTo("tiny-bitnet");
      assertThat(model.weightBytes()).isEqualTo(4L * 384 * (2 * 384 + 2 * 128 + 3 * 1040) / 4);
    }
  }

  @Test
  void whatCannotServeIsNamed() throws Exception {
    Path shapes = Files.writeString(folder.resolve("wrong.txt"), "16 16\n16 x\n");
    Path right = Files.writeString(folder.resolve("right.txt"), "16 16\n");
    Path sizes = Files.writeString(folder.resolve("sizes.yaml"), "{layers: 0}");
    Path yaml = Files.writeString(folder.resolve("no.yaml"), "layers: [1\n");
    try (TernaryRuntime runtime = TernaryRuntime.create()) {
      assertRefused("--shapes is nowhere", () -> open(runtime, "--shapes", "nowhere"));
      assertRefused("line 2: \"16 x\"", () -> open(runtime, "--shapes", shapes));
      assertRefused(
          "sizes.yaml: layers is 0, must be at least 1",
          () -> open(runtime, "--shapes", right, "--sizes", sizes));
      assertRefused("no.yaml, line 2: ", () -> open(runtime, "--shapes", right, "--sizes", yaml));
      assertRefused("no such file", () -> open(runtime, "--shapes", right, "--sizes", "none.yaml"));
      Path unknown = Files.writeString(folder.resolve("unknown.yaml"), "{layer: 3}");
      assertRefused(
          "unknown.yaml: layer is 3, must be left out",
          () -> open(runtime, "--shapes", right, "--sizes", unknown));
      Path text = Files.writeString(folder.resolve("text.yaml"), "{layers: many}");
      assertRefused(
          "text.yaml: layers is \"many\", must be a whole number",
          () -> open(runtime, "--shapes", right, "--sizes", text));
      assertRefused("--batch is 0", () -> open(runtime, "--batch", 0));
      assertRefused("--layers is 0", () -> open(runtime, "--layers", 0));
      assertRefused("without --shapes", () -> open(runtime, "--model", folder, "--shapes", right));
    }
  }
}
